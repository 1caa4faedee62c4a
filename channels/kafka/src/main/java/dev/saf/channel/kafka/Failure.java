package dev.saf.channel.kafka;

import org.apache.kafka.common.InvalidRecordException;
import org.apache.kafka.common.errors.AuthenticationException;
import org.apache.kafka.common.errors.InvalidTopicException;
import org.apache.kafka.common.errors.RecordTooLargeException;
import org.apache.kafka.common.errors.RetriableException;
import org.apache.kafka.common.errors.TopicAuthorizationException;
import org.apache.kafka.common.errors.UnknownTopicOrPartitionException;

/** What a failed delivery says about whom. */
enum Failure {
    /** This event can never be taken. */
    EVENT,
    /** The topic is missing or forbidden, and another event may have another one. */
    TOPIC,
    /** The cluster takes nothing now. */
    CLUSTER,
    /** The producer is of no use any more. */
    PRODUCER;

    static Failure of(Exception cause, boolean oneTopic) {
        return switch (cause) {
            case RecordTooLargeException _, InvalidRecordException _, InvalidTopicException _ -> EVENT;
            case TopicAuthorizationException _ -> oneTopic ? CLUSTER : TOPIC;
            case RetriableException _ -> !oneTopic && isUnknownTopic(cause) ? TOPIC : CLUSTER;
            case AuthenticationException _ -> CLUSTER;
            default -> PRODUCER;
        };
    }

    /** Kafka's client waits for a topic that is missing, and says so as the cause of its time-out. */
    private static boolean isUnknownTopic(Exception e) {
        return e instanceof UnknownTopicOrPartitionException
                || e.getCause() instanceof UnknownTopicOrPartitionException;
    }

    static String text(Exception e) {
        String own = e.getMessage() == null ? e.getClass().getSimpleName() : e.getMessage();
        Throwable cause = e.getCause();
        return cause == null || cause.getMessage() == null || own.contains(cause.getMessage())
                ? own
                : own + " (" + cause.getMessage() + ")";
    }
}
