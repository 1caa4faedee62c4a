package dev.saf.producer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.saf.settings.InvalidSettingException;
import java.nio.charset.StandardCharsets;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** What is wrong in the configuration stops the start, by its name. */
class ConfigurationIT {

    @ParameterizedTest
    @CsvSource(
            delimiter = '|',
            value = {
                "saf.producer.max-bdoy=1MB | saf.producer.max-bdoy: is unknown; saf.producer has [max-body,",
                "saf.producer.max-body=lots | saf.producer.max-body: 'lots' is not a size",
                "saf.producer.max-body=0B | saf.producer.max-body: must be between",
                "saf.producer.read-timeout=1h | saf.producer.read-timeout: must be between",
                "saf.producer.max-in-flight=0 | saf.producer.max-in-flight: must be between 1 and 4000",
                "saf.producer.publish-budget=soon | saf.producer.publish-budget: 'soon' is not a duration",
                "saf.producer.attempt-timeout=20s | saf.producer.attempt-timeout: must be between",
                "saf.streams.events.duplicate-window=5s | saf.producer.publish-budget: with the attempt-timeout must"
                        + " not be",
                "saf.nats.servers=http://x | saf.nats.servers: ",
                "saf.nats.ssl-bundle=none | saf.nats.ssl-bundle: 'none' is not configured",
                "saf.streams.events.retention=interest | saf.streams.events.retention: ",
                "saf.prodcuer.max-body=1MB | saf.prodcuer.max-body: is unknown; saf has the parts",
            })
    void refusesWhatIsWrongByName(String setting, String sentence) {
        assertThatThrownBy(
                        () -> RunningProducer.at("nats://127.0.0.1:1", setting).close())
                .rootCause()
                .isInstanceOf(InvalidSettingException.class)
                .hasMessageStartingWith(sentence);
    }

    @Test
    void saysSoInASentenceAndNotInAStackTrace() throws Exception {
        Process service = new ProcessBuilder(
                        ProcessHandle.current().info().command().orElseThrow(),
                        "-cp",
                        System.getProperty("java.class.path"),
                        ProducerApplication.class.getName(),
                        "--server.port=0",
                        "--management.server.port=0",
                        "--saf.producer.max-body=lots")
                .redirectErrorStream(true)
                .start();
        String said = new String(service.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
        assertThat(service.waitFor(30, TimeUnit.SECONDS)).isTrue();
        assertThat(service.exitValue()).isEqualTo(1);
        assertThat(said)
                .contains("saf.producer.max-body: 'lots' is not a size, such as 512KB")
                .doesNotContain("\tat ");
    }
}
