/** Operating the channels over HTTP. */
@NullMarked
package dev.saf.consumer.operations;

import org.jspecify.annotations.NullMarked;
