/** Asks a real Prometheus that reads the running services what the dashboards and alerts ask. */
@NullMarked
package dev.saf.deployments.dashboards;

import org.jspecify.annotations.NullMarked;
