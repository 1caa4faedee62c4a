package dev.saf.channel.kafka;

import dev.saf.channel.Channel;
import dev.saf.channel.RejectedEventException;
import dev.saf.channel.Template;
import dev.saf.event.Event;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.time.Duration;
import java.util.Map;
import java.util.concurrent.ExecutionException;
import java.util.concurrent.locks.ReentrantLock;
import org.apache.kafka.clients.admin.Admin;
import org.apache.kafka.clients.admin.DescribeClusterOptions;
import org.apache.kafka.clients.producer.KafkaProducer;
import org.apache.kafka.clients.producer.Producer;
import org.apache.kafka.clients.producer.ProducerConfig;
import org.apache.kafka.clients.producer.ProducerRecord;
import org.apache.kafka.common.KafkaException;
import org.apache.kafka.common.errors.InterruptException;
import org.jspecify.annotations.Nullable;

/**
 * Produces each event to a topic of Kafka, as a CloudEvent in binary mode. It is delivered when all in-sync replicas
 * have it. All deliveries share one idempotent producer, which is made by the first of them, since it needs a broker's
 * name to resolve, and anew when it has failed for good.
 *
 * <p>A delivery that was given up may still arrive until {@code delivery.timeout.ms} is over: Kafka's producer takes
 * nothing back.
 */
final class KafkaChannel implements Channel {

    private final Map<String, Object> properties;
    private final Template topic;
    private final Template key;
    private final boolean oneTopic;
    private final String servers;
    private final ReentrantLock making = new ReentrantLock();
    private @Nullable Producer<byte[], byte[]> producer;

    KafkaChannel(KafkaSettings settings, Map<String, Object> properties) {
        this.properties = properties;
        this.topic = Template.of("topic", String.valueOf(settings.topic()));
        this.key = Template.of("key", String.valueOf(settings.key()));
        this.oneTopic = settings.hasOneTopic();
        this.servers = String.valueOf(settings.bootstrapServers());
    }

    @Override
    public void deliver(Event event) throws Exception {
        ProducerRecord<byte[], byte[]> record = record(event);
        Producer<byte[], byte[]> used = producer();
        try {
            used.send(record).get();
        } catch (InterruptException e) {
            // It has set the thread's flag again, which the exception below stands for.
            var _ = Thread.interrupted();
            throw new InterruptedException("interrupted while producing to " + servers);
        } catch (ExecutionException e) {
            throw failed(used, record.topic(), e.getCause() instanceof Exception cause ? cause : e);
        } catch (KafkaException | IllegalStateException e) {
            throw failed(used, record.topic(), e);
        }
    }

    /** Asks the cluster for its brokers. */
    @Override
    public void check() throws IOException, InterruptedException {
        int patience = Integer.parseInt(String.valueOf(properties.get(ProducerConfig.MAX_BLOCK_MS_CONFIG)));
        try (Admin admin = Admin.create(properties)) {
            var _ = admin.describeCluster(new DescribeClusterOptions().timeoutMs(patience))
                    .nodes()
                    .get();
        } catch (ExecutionException e) {
            throw new IOException(
                    "cannot reach " + servers + ": "
                            + Failure.text(e.getCause() instanceof Exception cause ? cause : e),
                    e);
        } catch (KafkaException e) {
            throw new IOException("cannot reach " + servers + ": " + Failure.text(e), e);
        }
    }

    private ProducerRecord<byte[], byte[]> record(Event event) throws RejectedEventException {
        String filled = key.fill(event);
        return new ProducerRecord<>(
                topic.fill(event),
                null,
                filled.isEmpty() ? null : filled.getBytes(StandardCharsets.UTF_8),
                // Empty, but never null, which would delete what the key stands for from a compacted topic.
                event.payload().bytes(),
                KafkaHeaders.of(event));
    }

    private Exception failed(Producer<byte[], byte[]> used, String filled, Exception cause)
            throws InterruptedException {
        Failure failure = Failure.of(cause, oneTopic);
        if (failure == Failure.PRODUCER) {
            discard(used);
        }
        String what = servers + " did not take an event for topic " + filled + ": " + Failure.text(cause);
        return switch (failure) {
            case EVENT -> new RejectedEventException(what);
            case TOPIC -> new KafkaException(what, cause);
            case CLUSTER, PRODUCER -> new IOException(what, cause);
        };
    }

    private Producer<byte[], byte[]> producer() throws IOException, InterruptedException {
        making.lockInterruptibly();
        try {
            Producer<byte[], byte[]> ready = producer;
            if (ready == null) {
                ready = new KafkaProducer<>(properties);
                producer = ready;
            }
            return ready;
        } catch (KafkaException e) {
            throw new IOException("cannot reach " + servers + ": " + Failure.text(e), e);
        } finally {
            making.unlock();
        }
    }

    private void discard(Producer<byte[], byte[]> used) throws InterruptedException {
        making.lockInterruptibly();
        try {
            if (used.equals(producer)) {
                producer = null;
                used.close(Duration.ZERO);
            }
        } finally {
            making.unlock();
        }
    }

    @Override
    public void close() {
        making.lock();
        try {
            if (producer != null) {
                producer.close(Duration.ZERO);
                producer = null;
            }
        } finally {
            making.unlock();
        }
    }
}
