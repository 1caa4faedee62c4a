package dev.saf.consumer.delivery;

import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.springframework.boot.health.contributor.Health;
import org.springframework.boot.health.contributor.HealthIndicator;

/** Up if every channel gets its events. A channel whose destination fails is up: its events wait for it. */
public final class ChannelsHealth implements HealthIndicator {

    private final RunningChannels channels;

    /** Of these channels. */
    public ChannelsHealth(RunningChannels channels) {
        this.channels = channels;
    }

    @Override
    public Health health() {
        Health.Builder health = Health.up();
        for (RunningChannel each : channels.all()) {
            Supply.Condition condition = each.condition();
            if (condition.state() != Supply.State.RUNNING) {
                health.down();
            }
            Map<String, Object> detail = new LinkedHashMap<>();
            List<ChannelStatus.State> states = each.states();
            detail.put("state", states.getFirst().tag());
            String problem = each.problem(states);
            if (problem != null) {
                detail.put("problem", problem);
            }
            detail.put("inFlight", each.deliveries().admission().running());
            if (each.deliveries().admission().longCalls().stuck() > 0) {
                detail.put("stuck", each.deliveries().admission().longCalls().stuck());
            }
            if (each.deliveries().held() > 0) {
                detail.put("held", each.deliveries().held());
            }
            double backlog = each.backlog();
            if (!Double.isNaN(backlog)) {
                detail.put("backlog", (long) backlog);
            }
            ChannelStatus.LastError lastError = each.deliveries().handler().lastError();
            if (lastError != null) {
                detail.put("lastError", lastError.error());
            }
            health.withDetail(each.name(), detail);
        }
        return health.build();
    }
}
