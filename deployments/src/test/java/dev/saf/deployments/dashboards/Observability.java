package dev.saf.deployments.dashboards;

import dev.saf.peers.Tool;
import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import org.yaml.snakeyaml.LoaderOptions;
import org.yaml.snakeyaml.Yaml;
import org.yaml.snakeyaml.constructor.SafeConstructor;
import tools.jackson.databind.JsonNode;
import tools.jackson.databind.json.JsonMapper;

/** The dashboards and alerts: those of the charts, which docker-compose.yml uses too, and those for NATS. */
final class Observability {

    static final Path FOLDER = Tool.project().resolve("deployments/observability");
    static final List<Path> ALERTS = List.of(
            chart("producer", "alerts/saf-producer.yaml"),
            chart("consumer", "alerts/saf-consumer.yaml"),
            FOLDER.resolve("nats-alerts.yaml"));
    static final List<Path> DASHBOARDS = List.of(
            chart("producer", "dashboards/saf-producer.json"),
            chart("consumer", "dashboards/saf-consumer.json"),
            FOLDER.resolve("nats.json"));

    /**
     * What is asked of Prometheus.
     *
     * @param name of the alert, or of the dashboard and panel
     */
    record Question(String name, String query) {}

    private Observability() {}

    private static Path chart(String service, String file) {
        return Tool.project().resolve("charts/saf-" + service + "/files/" + file);
    }

    static List<Question> alerts() throws IOException {
        List<Question> alerts = new ArrayList<>();
        for (Path file : ALERTS) {
            JsonNode rules = JsonMapper.shared()
                    .valueToTree(new Yaml(new SafeConstructor(new LoaderOptions())).load(Files.readString(file)));
            for (JsonNode rule : rules.at("/groups/0/rules")) {
                alerts.add(new Question(
                        rule.get("alert").stringValue(), rule.get("expr").stringValue()));
            }
        }
        return alerts;
    }

    /** Of all panels, with what Grafana puts into them. */
    static List<Question> panels() throws IOException {
        List<Question> panels = new ArrayList<>();
        for (Path file : DASHBOARDS) {
            JsonNode dashboard = JsonMapper.shared().readTree(Files.readString(file));
            for (JsonNode panel : dashboard.get("panels")) {
                for (JsonNode target : panel.get("targets")) {
                    panels.add(new Question(
                            dashboard.get("title").stringValue() + ", "
                                    + panel.get("title").stringValue(),
                            target.get("expr").stringValue().replace("$__rate_interval", "1m")));
                }
            }
        }
        return panels;
    }
}
