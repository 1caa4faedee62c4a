package dev.saf.deployments;

import static org.assertj.core.api.Assertions.assertThat;

import dev.saf.peers.Tool;
import org.junit.jupiter.api.Test;

class JustfileIT {

    @Test
    void everyRecipeParsesAndIsExplained() throws Exception {
        String list = Tool.run("just", "--list", "--unsorted").success();
        assertThat(list.lines().skip(1)).isNotEmpty().allMatch(line -> line.contains(" # "));
    }
}
