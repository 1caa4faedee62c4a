package dev.saf.consumer.delivery;

import java.util.LinkedHashMap;
import java.util.Locale;
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
            Subscription.Condition condition = each.condition();
            if (condition.state() != Subscription.State.RUNNING) {
                health.down();
            }
            Map<String, Object> detail = new LinkedHashMap<>();
            detail.put("state", condition.state().name().toLowerCase(Locale.ROOT));
            if (condition.problem() != null) {
                detail.put("problem", condition.problem());
            }
            detail.put("inFlight", each.deliveries().running());
            if (each.deliveries().stuck() > 0) {
                detail.put("stuck", each.deliveries().stuck());
            }
            if (each.deliveries().held() > 0) {
                detail.put("held", each.deliveries().held());
            }
            double backlog = each.backlog();
            if (!Double.isNaN(backlog)) {
                detail.put("backlog", (long) backlog);
            }
            String lastError = each.deliveries().lastError();
            if (lastError != null) {
                detail.put("lastError", lastError);
            }
            health.withDetail(each.name(), detail);
        }
        return health.build();
    }
}
