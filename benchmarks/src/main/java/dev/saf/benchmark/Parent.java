package dev.saf.benchmark;

import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.util.function.Function;

/** A child JVM's side of {@link ChildJvm}: questions come in as lines, answers go out as lines, marked. */
final class Parent {

    /** Before each answer, since frameworks write lines of their own. */
    static final String MARK = "> ";

    private Parent() {}

    /** Says that the child is ready, then answers until the parent is gone; ends the JVM. */
    static void serve(Object ready, Function<String, Object> answer) throws IOException {
        System.out.println(MARK + ready);
        BufferedReader questions = new BufferedReader(new InputStreamReader(System.in, StandardCharsets.UTF_8));
        for (String question = questions.readLine(); question != null; question = questions.readLine()) {
            System.out.println(MARK + answer.apply(question));
        }
        Runtime.getRuntime().halt(0);
    }
}
