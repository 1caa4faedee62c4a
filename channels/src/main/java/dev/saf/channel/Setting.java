package dev.saf.channel;

import java.lang.annotation.Documented;
import java.lang.annotation.ElementType;
import java.lang.annotation.Retention;
import java.lang.annotation.RetentionPolicy;
import java.lang.annotation.Target;

/** Describes a setting of a channel, for people: one component of a {@link ChannelFactory#settings} record. */
@Documented
@Retention(RetentionPolicy.RUNTIME)
@Target(ElementType.RECORD_COMPONENT)
public @interface Setting {

    /** What it says and in which form, as one phrase without a full stop. */
    String value();

    /** What holds where it is not configured, as it would be configured; empty if nothing does. */
    String byDefault() default "";

    /** Whether nothing works without it. */
    boolean required() default false;

    /** Whether its value must never be shown to anybody. */
    boolean secret() default false;
}
