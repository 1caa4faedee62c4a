package dev.saf.deployments.dashboards;

import static org.assertj.core.api.Assertions.assertThat;

import dev.saf.peers.Tool;
import java.nio.file.Files;
import java.nio.file.Path;
import org.junit.jupiter.api.Test;

class AlertsIT {

    private static final Path TESTS = Observability.FOLDER.resolve("alerts-test.yaml");

    @Test
    void areRules() throws Exception {
        for (Path alerts : Observability.ALERTS) {
            assertThat(Tool.run("promtool", "check", "rules", alerts.toString()).success())
                    .contains("SUCCESS");
        }
        Tool.run(
                        "promtool",
                        "check",
                        "config",
                        Observability.FOLDER.resolve("prometheus.yml").toString())
                .success();
    }

    @Test
    void eachComesWhenItShouldAndNotOtherwise() throws Exception {
        assertThat(Tool.run("promtool", "test", "rules", TESTS.toString()).success())
                .contains("SUCCESS");
        String tests = Files.readString(TESTS);
        assertThat(Observability.alerts())
                .isNotEmpty()
                .allSatisfy(alert -> assertThat(tests)
                        .contains("name: %s comes\n".formatted(alert.name()))
                        .contains("name: %s does not come\n".formatted(alert.name())));
    }
}
