/** Where events go: the channel contract, and one package per technology. */
@NullMarked
package dev.saf.channel;

import org.jspecify.annotations.NullMarked;
