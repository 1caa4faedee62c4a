package dev.saf.channel;

import java.util.function.Function;
import javax.net.ssl.SSLContext;

/**
 * A type of channel that can be named in configuration. Found by {@link java.util.ServiceLoader}.
 *
 * @param <S> a record with the settings of one channel. Its components, in kebab case, are the keys below
 *     {@code saf.channels.<name>}; a component that is not configured is null, or zero. Its constructor supplies
 *     defaults and refuses nonsense by an {@link IllegalArgumentException} whose message reads {@code key: what is
 *     wrong and what is allowed}.
 */
public interface ChannelFactory<S extends Record> {

    /** The value of {@code saf.channels.<name>.type}. */
    String type();

    /** Where such a channel delivers, as one phrase without a full stop, for people who choose a type. */
    String description();

    /** Each component carries a {@link Setting}. */
    Class<S> settings();

    /**
     * Makes a channel. Refuses what can never work, but does not need the destination to be up.
     *
     * @param sslContexts finds the TLS settings for the name of an SSL bundle; throws {@link IllegalArgumentException}
     *     for a name that is not configured
     * @throws IllegalArgumentException as the settings record does
     */
    Channel open(String name, S settings, Function<String, SSLContext> sslContexts);
}
