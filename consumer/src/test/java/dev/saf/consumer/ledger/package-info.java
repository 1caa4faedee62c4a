@NullMarked
package dev.saf.consumer.ledger;

import org.jspecify.annotations.NullMarked;
