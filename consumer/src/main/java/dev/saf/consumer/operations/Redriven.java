package dev.saf.consumer.operations;

import dev.saf.consumer.ledger.DeadLetter;
import dev.saf.consumer.ledger.Passage;

/**
 * A dead letter that is on its way to its channel again.
 *
 * @param sequence the dead letter's, which is gone now
 * @param eventSequence of the event, in {@code events}
 * @param redrives how often it has been sent again by now
 */
record Redriven(long sequence, String channel, String subject, long eventSequence, long redrives) {

    static Redriven of(DeadLetter letter) {
        Passage passage = letter.passage();
        return new Redriven(
                letter.sequence(),
                passage.channel(),
                DeadLetterItem.subject(passage.subject()),
                passage.sequence(),
                passage.redrives() + 1);
    }
}
