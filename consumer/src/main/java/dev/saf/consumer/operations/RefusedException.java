package dev.saf.consumer.operations;

import dev.saf.consumer.operations.Problem.Kind;
import java.util.List;

/** A request that is answered with a problem. The message is the problem's detail. */
final class RefusedException extends RuntimeException {

    private final transient Problem problem;

    private RefusedException(Problem problem) {
        super(problem.detail());
        this.problem = problem;
    }

    Problem problem() {
        return problem;
    }

    /** 400, for one field or parameter; the detail is read after its name, and does not repeat the value. */
    static RefusedException invalid(String field, String detail) {
        return invalid(List.of(new Violation(field, detail)));
    }

    /** 400, for all that is wrong. */
    static RefusedException invalid(List<Violation> violations) {
        return new RefusedException(Problem.invalid(violations));
    }

    /** 404, with a sentence that says what is not there. */
    static RefusedException notFound(String detail) {
        return new RefusedException(Problem.of(Kind.NOT_FOUND, detail));
    }

    /** 409, with a sentence that says why it cannot be done now. */
    static RefusedException conflict(String detail) {
        return new RefusedException(Problem.of(Kind.CONFLICT, detail));
    }
}
