/** Holds the image and docker-compose.yml to what docker compose and a real engine make of them. */
@NullMarked
package dev.saf.deployments.compose;

import org.jspecify.annotations.NullMarked;
