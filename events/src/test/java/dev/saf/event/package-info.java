/** What travels: the event and its wire format. */
@NullMarked
package dev.saf.event;

import org.jspecify.annotations.NullMarked;
