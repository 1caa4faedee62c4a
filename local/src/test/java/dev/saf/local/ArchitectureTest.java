package dev.saf.local;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noFields;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;
import static org.assertj.core.api.Assertions.assertThat;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption.DoNotIncludeTests;
import java.util.List;
import java.util.Map;
import java.util.Set;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.MethodSource;

class ArchitectureTest {

    private static final JavaClasses SAF =
            new ClassFileImporter().withImportOption(new DoNotIncludeTests()).importPackages("dev.saf");

    /** Each module's package, and which of the others it may see. */
    private static final Map<String, Set<String>> MAY_SEE = Map.of(
            "settings", Set.of(),
            "event", Set.of(),
            "natsserver", Set.of(),
            "jetstream", Set.of("settings", "event"),
            "channel", Set.of("event"),
            "producer", Set.of("settings", "event", "jetstream"),
            "consumer", Set.of("settings", "event", "jetstream", "channel"),
            "local", Set.of("settings", "natsserver", "producer", "consumer"));

    static Set<String> modules() {
        return MAY_SEE.keySet();
    }

    static List<String> modulesWithoutSpring() {
        return List.of("event", "natsserver", "channel");
    }

    static List<String> modulesWithoutNats() {
        return List.of("event", "natsserver", "channel", "settings", "local");
    }

    @ParameterizedTest
    @MethodSource("modules")
    void seesNoModuleButThoseItMay(String module) {
        String[] forbidden = MAY_SEE.keySet().stream()
                .filter(other -> !other.equals(module)
                        && !MAY_SEE.getOrDefault(module, Set.of()).contains(other))
                .map(ArchitectureTest::packages)
                .toArray(String[]::new);
        noClasses()
                .that()
                .resideInAPackage(packages(module))
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(forbidden)
                .check(SAF);
    }

    @ParameterizedTest
    @MethodSource("modulesWithoutSpring")
    void staysFreeOfSpring(String module) {
        noClasses()
                .that()
                .resideInAPackage(packages(module))
                .should()
                .dependOnClassesThat()
                .resideInAPackage("org.springframework..")
                .check(SAF);
    }

    @ParameterizedTest
    @MethodSource("modulesWithoutNats")
    void staysFreeOfTheNatsClient(String module) {
        noClasses()
                .that()
                .resideInAPackage(packages(module))
                .and()
                // Whose destination is another NATS.
                .resideOutsideOfPackage("dev.saf.channel.nats..")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("io.nats..")
                .check(SAF);
    }

    @Test
    void knowsEveryModule() {
        assertThat(SAF.stream()
                        .map(type -> type.getPackageName().split("\\.", -1)[2])
                        .distinct())
                .containsExactlyInAnyOrderElementsOf(modules());
    }

    @Test
    void hasNoCycles() {
        slices().matching("dev.saf.(**)").should().beFreeOfCycles().check(SAF);
    }

    @Test
    void keepsChannelsApart() {
        slices().matching("dev.saf.channel.(*)..")
                .should()
                .notDependOnEachOther()
                .check(SAF);
    }

    @Test
    void namesTypesForWhatTheyAre() {
        classes()
                .should()
                .haveNameNotMatching(".*(Manager|Helper|Utils?|Processor|Impl|Base|Dto)(\\$.*)?")
                .andShould()
                .haveNameNotMatching(".*\\.Abstract[A-Z].*")
                .check(SAF);
    }

    @Test
    void injectsNothingIntoFields() {
        noFields()
                .should()
                .beAnnotatedWith("org.springframework.beans.factory.annotation.Autowired")
                .orShould()
                .beAnnotatedWith("org.springframework.beans.factory.annotation.Value")
                .check(SAF);
    }

    private static String packages(String module) {
        return "dev.saf." + module + "..";
    }
}
