package dev.saf.deployments.clusters;

import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.nio.file.Path;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;

/** The pages in {@code docs/operations} do what they say. */
class WalkThroughIT {

    @TempDir
    private Path folder;

    @Test
    void turnsAuthenticationOnUnderLoad() throws Exception {
        Walk.of("enabling-authentication").take(folder);
    }

    @Test
    void noticesWhenAuthenticationIsNotTurnedOn() throws Exception {
        Walk without = Walk.of("enabling-authentication").without("authorization {");
        assertThatThrownBy(() -> without.take(folder)).hasMessageContainingAll("stream ls", "Authorization Violation");
    }

    @Test
    void losesLeadersUpgradesAndReplicatesUnderLoad() throws Exception {
        Walk.of("cluster").take(folder);
    }

    @Test
    void changesKeysUnderLoad() throws Exception {
        Walk.of("rotating-credentials").take(folder);
    }

    @Test
    void logsInByJwt() throws Exception {
        Walk.of("jwt").take(folder);
    }

    @Test
    void bringsBackEverythingButTheDuplicateWindow() throws Exception {
        Walk.of("backup-and-restore").take(folder);
    }

    @Test
    void losesARegionOfTheSuperCluster() throws Exception {
        Walk.of("super-cluster").take(folder);
    }
}
