@NullMarked
package dev.saf.consumer.operations;

import org.jspecify.annotations.NullMarked;
