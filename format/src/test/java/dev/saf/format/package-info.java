/** How the source looks. */
@NullMarked
package dev.saf.format;

import org.jspecify.annotations.NullMarked;
