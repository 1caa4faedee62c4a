package dev.saf.consumer.delivery;

import static org.assertj.core.api.Assertions.assertThat;

import io.nats.client.impl.NatsMessage;
import java.util.concurrent.CountDownLatch;
import java.util.concurrent.atomic.AtomicInteger;
import java.util.concurrent.locks.LockSupport;
import org.junit.jupiter.api.Test;

class DeliveryTest {

    @Test
    void anInterruptNeverOutlivesTheCallOfTheChannel() throws InterruptedException {
        AtomicInteger told = new AtomicInteger();
        AtomicInteger left = new AtomicInteger();
        int interrupts = 0;
        for (int i = 0; i < 2000; i++) {
            Delivery delivery = delivery();
            CountDownLatch begun = new CountDownLatch(1);
            Thread thread = Thread.ofPlatform().start(() -> {
                delivery.begin(Thread.currentThread(), 0);
                begun.countDown();
                if (delivery.end()) {
                    told.incrementAndGet();
                }
                LockSupport.parkNanos(10_000);
                if (Thread.currentThread().isInterrupted()) {
                    left.incrementAndGet();
                }
            });
            begun.await();
            if (delivery.interrupt()) {
                interrupts++;
            }
            thread.join();
        }
        assertThat(left).hasValue(0);
        assertThat(told).hasValue(interrupts);
    }

    @Test
    void isInterruptedOnceAndOnlyWhileItRuns() {
        Delivery early = delivery();
        assertThat(early.interrupt()).isFalse();
        early.begin(Thread.currentThread(), 0);
        assertThat(early.interrupt()).isTrue();
        assertThat(early.interrupt()).isFalse();
        assertThat(early.end()).isTrue();
        assertThat(Thread.currentThread().isInterrupted()).isFalse();
        assertThat(early.interrupt()).isFalse();
    }

    private static Delivery delivery() {
        return new Delivery(
                Source.events("a"), NatsMessage.builder().subject("a").build(), new Position(1, 1, 1), 0);
    }
}
