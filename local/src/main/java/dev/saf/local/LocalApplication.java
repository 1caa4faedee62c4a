package dev.saf.local;

/** Runs all of Saf on this machine with one command: nats-server, consumer and producer. */
public final class LocalApplication {

    private LocalApplication() {}

    /** Runs until SIGINT or SIGTERM; ends with 0 after stopping in order, with 1 if it could not start. */
    public static void main(String[] arguments) {
        LocalRun run = new LocalRun(System.out::println);
        Thread stop = new Thread(
                () -> {
                    System.out.println("stopping: no more events are taken, started deliveries finish…");
                    run.close();
                    System.out.println("Saf has stopped.");
                    // To end on demand is no failure, which 143 would look like to Maven.
                    Runtime.getRuntime().halt(0);
                },
                "stop");
        Runtime.getRuntime().addShutdownHook(stop);
        try {
            run.start(arguments);
        } catch (RuntimeException e) {
            if (isStopping(stop)) {
                return;
            }
            System.err.println("\nSaf did not start.\n" + e.getMessage() + "\n");
            run.close();
            System.exit(1);
        }
    }

    private static boolean isStopping(Thread stop) {
        try {
            return !Runtime.getRuntime().removeShutdownHook(stop);
        } catch (IllegalStateException e) {
            return true;
        }
    }
}
