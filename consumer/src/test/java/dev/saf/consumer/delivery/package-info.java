@NullMarked
package dev.saf.consumer.delivery;

import org.jspecify.annotations.NullMarked;
