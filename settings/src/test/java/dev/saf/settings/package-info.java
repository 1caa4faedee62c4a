/** What may be configured: strict binding of {@code saf.*} and a sentence for every mistake. */
@NullMarked
package dev.saf.settings;

import org.jspecify.annotations.NullMarked;
