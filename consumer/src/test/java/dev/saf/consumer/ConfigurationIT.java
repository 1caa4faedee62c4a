package dev.saf.consumer;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import dev.saf.settings.InvalidSettingException;
import java.io.File;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.concurrent.TimeUnit;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.CsvSource;

/** Nobody listens where these look for NATS: what is wrong is said without it. */
class ConfigurationIT {

    private static final String NOBODY = "nats://127.0.0.1:1";

    @ParameterizedTest
    @CsvSource(delimiter = '|', textBlock = """
        saf.channels.mqqt.url=x                   | saf.channels.mqqt.type: 'mqqt' is unknown; known types are [
        saf.channels.a.type=pigeon                | saf.channels.a.type: 'pigeon' is unknown; known types are [
        saf.channels.log.payloads=true            | saf.channels.log.payloads: is unknown; saf.channels.log has [type, subjects, concurrency
        saf.channels.log.payload=perhaps          | saf.channels.log.payload: 'perhaps' is not true or false
        saf.channels.log.concurrency=0            | saf.channels.log.concurrency: must be between 1 and 10000, is 0
        saf.channels.log.concurrency=many         | saf.channels.log.concurrency: 'many' is not a whole number
        saf.channels.log.timeout=0s               | saf.channels.log.timeout: must be between 10ms and 3600000ms, is 0ms
        saf.channels.log.timeout=soon             | saf.channels.log.timeout: 'soon' is not a duration
        saf.channels.log.ack-wait=1ms             | saf.channels.log.ack-wait: must be between 1000ms and
        saf.channels.log.artificial-sleep=40s     | saf.channels.log.artificial-sleep: must be shorter than timeout (30000ms), is 40000ms
        saf.channels.log.retry.attempts=0         | saf.channels.log.retry.attempts: must be at least 1, or -1 for no bound, is 0
        saf.channels.log.retry.initial=0s         | saf.channels.log.retry.initial: must be between 1ms and 30d
        saf.channels.log.retry.multiplier=0.5     | saf.channels.log.retry.multiplier: must be between 1 and 100, is 0.5
        saf.channels.log.retry.multiplier=NaN     | saf.channels.log.retry.multiplier: must be between 1 and 100, is NaN
        saf.channels.log.retry.cap=1ms            | saf.channels.log.retry.cap: must be between retry.initial (1000ms) and 30d, is 1ms
        saf.channels.log.retry.backoff=2          | saf.channels.log.retry.backoff: is unknown
        saf.channels.log.rate.limit=0             | saf.channels.log.rate.limit: must be between 0.001 and 1000000 events a second, is 0.0
        saf.channels.log.rate.limit=NaN           | saf.channels.log.rate.limit: must be between 0.001 and 1000000 events a second, is NaN
        saf.channels.log.rate.limit=fast          | saf.channels.log.rate.limit: 'fast' is not a number, such as 0.5 or 2
        saf.channels.log.rate.burst=5             | saf.channels.log.rate.burst: belongs to rate.limit, which is missing
        saf.channels.log.rate.limit=1,saf.channels.log.rate.burst=0 | saf.channels.log.rate.burst: must be between 1 and 1000000, is 0
        saf.channels.log.subjects=a..b            | saf.channels.log.subjects: 'a..b' must be dot-separated tokens
        saf.channels.log.subjects=a.>.b           | saf.channels.log.subjects: 'a.>.b' must be
        saf.channels.log.subjects=events.é        | saf.channels.log.subjects: 'events.é' must be
        saf.channels.log.subjects=a.*,a.b         | saf.channels.log.subjects: 'a.*' and 'a.b' must not have events in common
        saf.channels.a-due.type=log               | saf.channels.a-due: the name of a channel must be
        saf.channels.1st.type=log                 | saf.channels.1st: the name of a channel must be
        saf.channels.hook.type=webhook            | saf.channels.hook.url: is missing
        saf.channels.webhook.url=ftp://a          | saf.channels.webhook.url: must begin with http:// or https://
        saf.channels.scripted.mood=bad            | saf.channels.scripted.mood: must not be bad
        saf.channels.scripted.mood=impossible     | saf.channels.scripted.mood: 'impossible' cannot be had
        saf.channels.log.deliver=some             | saf.channels.log.deliver: 'some' is not one of [all, new, last, last-per-subject, from-sequence, from-time]
        saf.channels.log.deliver=from-sequence    | saf.channels.log.deliver-sequence: is missing; deliver: from-sequence needs the number of the first event
        saf.channels.log.deliver=from-time        | saf.channels.log.deliver-time: is missing; deliver: from-time needs a time, such as 2026-01-02T03:04:05Z
        saf.channels.log.deliver-sequence=7       | saf.channels.log.deliver-sequence: is 7, and belongs to deliver: from-sequence; deliver is all
        saf.channels.log.deliver-time=2026-01-02T03:04:05Z | saf.channels.log.deliver-time: is 2026-01-02T03:04:05Z, and belongs to deliver: from-time
        saf.channels.log.deliver-time=yesterday   | saf.channels.log.deliver-time: 'yesterday' is not a time, such as 2026-01-02T03:04:05Z
        saf.channels.log.ack=none                 | saf.channels.log.ack: is none, which settles events before they are delivered, and needs delivery: at-most-once
        saf.channels.log.ack=all                  | saf.channels.log.ack: is all, which settles events before they are delivered, and needs delivery: at-most-once
        saf.channels.log.ack=maybe                | saf.channels.log.ack: 'maybe' is not one of [explicit, none, all]
        saf.channels.log.delivery=exactly-once    | saf.channels.log.delivery: 'exactly-once' is not one of [at-least-once, at-most-once]
        saf.channels.log.headers-only=perhaps     | saf.channels.log.headers-only: 'perhaps' is not true or false
        saf.channels.log.replay=slow              | saf.channels.log.replay: 'slow' is not one of [instant, original]
        saf.channels.log.sample=101               | saf.channels.log.sample: must be between 0 and 100 (percent), is 101
        saf.channels.log.max-ack-pending=0        | saf.channels.log.max-ack-pending: must be between 1 and 1000000, is 0
        saf.channels.log.max-batch=0              | saf.channels.log.max-batch: must be between 1 and 10000, is 0
        saf.channels.log.max-batch-bytes=1B       | saf.channels.log.max-batch-bytes: must be at least 1KB, is 1B
        saf.channels.log.inactive-threshold=1h    | saf.channels.log.inactive-threshold: must not be set: after that time without a process the server would delete
        saf.channels.log.ordering=fifo            | saf.channels.log.ordering: 'fifo' is not one of [none, key]
        saf.channels.log.ordering=key,saf.channels.log.delivery=at-most-once | saf.channels.log.ordering: is key, where an event waits until the one before it is settled, and needs delivery: at-least-once
        saf.channels.log.ordering=key,saf.channels.log.delivery=at-most-once,saf.channels.log.mode=core | saf.channels.log.ordering: is key
        saf.channels.log.ordering-key=subject     | saf.channels.log.ordering-key: is subject, and belongs to ordering: key; ordering is none
        saf.channels.log.ordering=key,saf.channels.log.ordering-key=Customer | saf.channels.log.ordering-key: must be subject, id, or the name of an attribute
        saf.channels.log.ordering=key,saf.channels.log.ordering-key=time | saf.channels.log.ordering-key: must be subject, id, or the name of an attribute
        saf.channels.log.filter=payload.(         | saf.channels.log.filter: is no JSONata expression:
        saf.channels.log.mode=queue               | saf.channels.log.mode: 'queue' is not one of [stream, core]
        saf.channels.log.mode=core                | saf.channels.log.mode: is core, where nobody keeps an event that cannot be delivered, and needs delivery: at-most-once
        saf.channels.log.deliver=from-sequence,saf.channels.log.deliver-sequence=0 | saf.channels.log.deliver-sequence: must be at least 1
        saf.channels.log.deliver=from-time,saf.channels.log.deliver-time=2999-01-01T00:00:00Z | saf.channels.log.deliver-time: must not lie in the future
        saf.channels.log.delivery=at-most-once,saf.channels.log.ack=none,saf.channels.log.sample=5 | saf.channels.log.sample: is 5, and must be 0 with ack: none
        saf.channels.log.delivery=at-most-once,saf.channels.log.ack=none,saf.channels.log.max-ack-pending=5 | saf.channels.log.max-ack-pending: must not be set with ack: none
        saf.channels.log.delivery=at-most-once,saf.channels.log.mode=core,saf.channels.log.deliver=last | saf.channels.log.deliver: is last, and must be new or left out with mode: core
        saf.channels.log.delivery=at-most-once,saf.channels.log.mode=core,saf.channels.log.headers-only=true | saf.channels.log.mode: is core, where there is no consumer to configure
        saf.channels.log.delivery=at-most-once,saf.channels.log.mode=core,saf.channels.log.max-batch=5 | saf.channels.log.mode: is core, where nothing is pulled or acknowledged
        saf.chanels.log.type=log                  | saf.chanels.log.type: is unknown; saf has the parts
        """)
    void refusesWhatIsWrongByName(String settings, String message) {
        // A comma between two settings, and not between two subjects.
        assertThatThrownBy(() ->
                        Consumer.start(NOBODY, settings.split(",(?=saf\\.)")).close())
                .rootCause()
                .isInstanceOf(InvalidSettingException.class)
                .hasMessageStartingWith(message);
    }

    @Test
    void refusesToRunWithoutAnyChannel() {
        assertThatThrownBy(() -> Consumer.start(NOBODY).close())
                .rootCause()
                .hasMessageStartingWith("saf.channels: has no channel, so no event would go anywhere");
    }

    @Test
    void refusesAnUnknownSslBundle() {
        assertThatThrownBy(() -> Consumer.start(
                                NOBODY,
                                "saf.channels.hook.type=webhook",
                                "saf.channels.hook.url=https://localhost/",
                                "saf.channels.hook.ssl-bundle=partner")
                        .close())
                .rootCause()
                .hasMessageStartingWith(
                        "saf.channels.hook.ssl-bundle: 'partner' is not configured below spring.ssl.bundle");
    }

    @Test
    void saysSoInASentenceAndNotInAStackTrace(@TempDir Path folder) throws Exception {
        Files.writeString(folder.resolve("saf.yml"), """
            saf:
              channels:
                log: {}
                hook:
                  type: webhook
                  urll: http://localhost/
            """);
        Path log = folder.resolve("out");
        List<String> command = new ArrayList<>(List.of(
                Path.of(System.getProperty("java.home"), "bin", "java").toString(),
                "-cp",
                System.getProperty("java.class.path").replace(".." + File.separator, ""),
                ConsumerApplication.class.getName()));
        Process child = new ProcessBuilder(command)
                .directory(folder.toFile())
                .redirectErrorStream(true)
                .redirectOutput(log.toFile())
                .start();
        assertThat(child.waitFor(60, TimeUnit.SECONDS)).isTrue();
        assertThat(child.exitValue()).isNotZero();
        assertThat(Files.readString(log))
                .contains("saf.channels.hook.urll: is unknown; saf.channels.hook has [type, subjects,")
                .contains("Correct saf.channels.hook.urll in saf.yml or in the environment")
                .doesNotContain("\tat ");
    }
}
