package dev.saf.consumer.delivery;

import java.util.List;
import java.util.regex.Pattern;

/** Which events are meant: subjects, in which * stands for one token and a last > for one or more. */
public final class Subjects {

    private static final Pattern SUBJECT =
            Pattern.compile("(?:(?:[A-Za-z0-9_-]+|\\*)(?:\\.(?:[A-Za-z0-9_-]+|\\*))*(?:\\.>)?)|>");
    private static final int MAX_LENGTH = 200;

    private Subjects() {}

    /**
     * Checks that all are subjects, and that no event has two of them.
     *
     * @throws IllegalArgumentException as {@code subjects: what is wrong and what is allowed}
     */
    public static void check(List<String> subjects) {
        if (subjects.isEmpty()) {
            throw new IllegalArgumentException("subjects: must not be empty; > stands for all events");
        }
        for (int i = 0; i < subjects.size(); i++) {
            String subject = subjects.get(i);
            if (subject.length() > MAX_LENGTH || !SUBJECT.matcher(subject).matches()) {
                throw new IllegalArgumentException("subjects: '" + subject + "' must be dot-separated tokens of"
                        + " [A-Za-z0-9_-], in which * stands for one token and a last > for one or more");
            }
            for (String other : subjects.subList(0, i)) {
                if (overlap(subject.split("\\."), other.split("\\."))) {
                    throw new IllegalArgumentException("subjects: '" + other + "' and '" + subject
                            + "' must not have events in common; leave out one of them");
                }
            }
        }
    }

    /** Whether one subject can match both patterns. The server refuses such filters. */
    private static boolean overlap(String[] one, String[] other) {
        for (int i = 0; i < Math.min(one.length, other.length); i++) {
            if (one[i].equals(">") || other[i].equals(">")) {
                return true;
            }
            if (!one[i].equals(other[i]) && !one[i].equals("*") && !other[i].equals("*")) {
                return false;
            }
        }
        return one.length == other.length;
    }

    /** Whether every event that a subject means is one that the others mean. */
    public static boolean isWithin(String subject, List<String> others) {
        return others.stream().anyMatch(other -> covers(other.split("\\."), subject.split("\\.")));
    }

    private static boolean covers(String[] wide, String[] narrow) {
        for (int i = 0; i < Math.min(wide.length, narrow.length); i++) {
            if (wide[i].equals(">")) {
                return true;
            }
            if (narrow[i].equals(">") || (!wide[i].equals("*") && !wide[i].equals(narrow[i]))) {
                return false;
            }
        }
        return wide.length == narrow.length;
    }
}
