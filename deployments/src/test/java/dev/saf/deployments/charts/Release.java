package dev.saf.deployments.charts;

import static org.assertj.core.api.Assertions.assertThat;

import java.net.URI;
import java.util.List;
import java.util.stream.Stream;
import tools.jackson.databind.JsonNode;

/** The objects of a release, and whether what they name is among them. The API server takes any name. */
record Release(List<JsonNode> objects) {

    /** Whether no object names one that is not there. Secrets are there before. */
    void assertWhole() {
        for (JsonNode object : objects) {
            JsonNode spec = object.path("spec");
            switch (object.get("kind").stringValue()) {
                case "Deployment" -> assertRuns(spec);
                case "Service" -> assertLeads(spec);
                case "PodDisruptionBudget" -> podsWith(spec.at("/selector/matchLabels"));
                case "NetworkPolicy" -> assertLetsIn(spec);
                case "HorizontalPodAutoscaler", "ScaledObject" -> assertScales(spec);
                case "Ingress" ->
                    spec.findValues("service")
                            .forEach(backend -> assertThat(ports(service(backend), "name"))
                                    .contains(backend.at("/port/name").asString()));
                case "HTTPRoute" ->
                    spec.findValues("backendRefs").stream()
                            .flatMap(JsonNode::valueStream)
                            .forEach(backend -> assertThat(ports(service(backend), "port"))
                                    .contains(backend.get("port").asString()));
                case "ServiceMonitor" -> assertScrapes(spec);
                case "Pod" ->
                    assertThat(target(spec.at("/containers/0/args/0"))).isNotEmpty();
                case "Consumer" ->
                    assertThat(Charts.all(objects, "Stream"))
                            .extracting(stream -> stream.at("/spec/name"))
                            .contains(spec.get("streamName"));
                default -> {}
            }
        }
    }

    private void assertRuns(JsonNode spec) {
        JsonNode template = spec.get("template");
        JsonNode labels = template.at("/metadata/labels");
        assertThat(podsWith(spec.at("/selector/matchLabels"))).isSameAs(template.get("spec"));
        assertThat(template.get("spec").findValues("labelSelector"))
                .allMatch(selector -> selects(selector.get("matchLabels"), labels));
        for (JsonNode volume : template.at("/spec/volumes")) {
            if (volume.has("configMap")) {
                assertThat(names("ConfigMap"))
                        .contains(volume.at("/configMap/name").asString());
            }
        }
        assertThat(Stream.concat(names("ServiceAccount").stream(), Stream.of("default")))
                .contains(template.at("/spec/serviceAccountName").asString());
    }

    private void assertLeads(JsonNode spec) {
        assertThat(portsOf(podsWith(spec.get("selector"))))
                .containsAll(spec.get("ports").findValuesAsString("targetPort"));
    }

    /** Also the pod of {@code helm test}, wherever not everybody may come in. */
    private void assertLetsIn(JsonNode spec) {
        List<String> ports = portsOf(podsWith(spec.at("/podSelector/matchLabels")));
        for (JsonNode rule : spec.get("ingress")) {
            assertThat(ports).containsAll(rule.get("ports").findValuesAsString("port"));
            if (rule.has("from") && rule.get("ports").toString().contains("management")) {
                assertThat(rule.get("from").valueStream())
                        .anyMatch(peer -> selects(
                                peer.at("/podSelector/matchLabels"),
                                Charts.only(objects, "Pod").at("/metadata/labels")));
            }
        }
    }

    private void assertScales(JsonNode spec) {
        assertThat(names("Deployment")).contains(spec.at("/scaleTargetRef/name").asString());
    }

    private void assertScrapes(JsonNode spec) {
        List<JsonNode> services = Charts.all(objects, "Service").stream()
                .filter(service -> selects(spec.at("/selector/matchLabels"), service.at("/metadata/labels")))
                .toList();
        assertThat(services).hasSize(1);
        assertThat(ports(services.getFirst(), "name"))
                .containsAll(spec.get("endpoints").findValuesAsString("port"));
    }

    /** The name of the port of the pods that an address leads to, by way of a Service. */
    String target(JsonNode address) {
        URI uri = URI.create(address.asString());
        return named("Service", uri.getHost())
                .at("/spec/ports")
                .valueStream()
                .filter(port -> port.get("port").asInt() == uri.getPort())
                .findFirst()
                .orElseThrow(() -> new AssertionError("no Service has a port for " + uri))
                .get("targetPort")
                .asString();
    }

    /** What is in the pods that a selector selects, which are those of one Deployment. */
    private JsonNode podsWith(JsonNode selector) {
        List<JsonNode> selected = Charts.all(objects, "Deployment").stream()
                .map(deployment -> deployment.at("/spec/template"))
                .filter(template -> selects(selector, template.at("/metadata/labels")))
                .toList();
        assertThat(selected).as("selected by " + selector).hasSize(1);
        return selected.getFirst().get("spec");
    }

    private static boolean selects(JsonNode selector, JsonNode labels) {
        return !selector.isEmpty()
                && selector.properties().stream()
                        .allMatch(label -> label.getValue().equals(labels.get(label.getKey())));
    }

    private static List<String> portsOf(JsonNode pods) {
        return pods.at("/containers/0/ports").findValuesAsString("name");
    }

    private static List<String> ports(JsonNode service, String field) {
        return service.at("/spec/ports").findValuesAsString(field);
    }

    private JsonNode service(JsonNode backend) {
        return named("Service", backend.get("name").stringValue());
    }

    private JsonNode named(String kind, String name) {
        return Charts.all(objects, kind).stream()
                .filter(object -> object.at("/metadata/name").stringValue().equals(name))
                .findFirst()
                .orElseThrow(() -> new AssertionError("there is no " + kind + " " + name));
    }

    private List<String> names(String kind) {
        return Charts.all(objects, kind).stream()
                .map(object -> object.at("/metadata/name").stringValue())
                .toList();
    }
}
