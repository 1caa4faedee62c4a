@NullMarked
package dev.saf.consumer.upkeep;

import org.jspecify.annotations.NullMarked;
