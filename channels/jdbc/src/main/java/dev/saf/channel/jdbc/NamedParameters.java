package dev.saf.channel.jdbc;

import java.util.ArrayList;
import java.util.List;
import java.util.regex.Matcher;
import java.util.regex.Pattern;

/**
 * A statement with named parameters, as JDBC takes it.
 *
 * @param sql with a question mark for each parameter
 * @param names the parameters' names, in the order of the question marks
 */
record NamedParameters(String sql, List<String> names) {

    /** What is no parameter, though it may look like one, comes first: texts, quoted names, comments, casts. */
    private static final Pattern PART =
            Pattern.compile("'(?:[^']|'')*'|\"[^\"]*\"|`[^`]*`|--[^\\n]*|/\\*(?s:.*?)\\*/|(\\$\\w*\\$)(?s:.*?)\\1|::"
                    + "|:([A-Za-z_]\\w*(?:\\.\\w+)*)|(\\?)");

    static NamedParameters of(String statement) {
        List<String> names = new ArrayList<>();
        Matcher matcher = PART.matcher(statement);
        String sql = matcher.replaceAll(part -> {
            if (part.group(3) != null) {
                throw new IllegalArgumentException(
                        "statement: must have named parameters, such as :id, instead of question marks");
            }
            if (part.group(2) == null) {
                return Matcher.quoteReplacement(part.group());
            }
            names.add(part.group(2));
            return "?";
        });
        return new NamedParameters(sql, List.copyOf(names));
    }
}
