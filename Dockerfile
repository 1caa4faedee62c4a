# Both services, one at a time:
#
#   docker build --build-arg SERVICE=producer -t saf-producer .
#   docker build --build-arg SERVICE=consumer -t saf-consumer .
#
# No shell, no package manager and no user but `saf` in the result; it needs to write to /tmp only, and
# nothing at all with `read_only` and a tmpfs there. Uses what the classic builder understands, too.

# With a shell, a JDK 25 and, unless JAR is given, Maven.
ARG BUILD_IMAGE=maven:3.9.11-eclipse-temurin-25
# With the C library of the former, or a newer one, and nothing else. Its tags move: for a release name a digest.
ARG RUNTIME_IMAGE=gcr.io/distroless/base-nossl-debian13:nonroot

FROM ${BUILD_IMAGE} AS build
RUN jlink --output /image/java --strip-java-debug-attributes --no-header-files --no-man-pages --compress zip-6 \
    --generate-cds-archive --add-modules \
java.base,java.compiler,java.desktop,java.instrument,java.logging,java.management,java.naming,java.net.http,java.prefs,\
java.rmi,java.scripting,java.security.jgss,java.sql,java.xml,jdk.crypto.ec,jdk.httpserver,jdk.jfr,jdk.management,\
jdk.naming.dns,jdk.net,jdk.unsupported,jdk.zipfs \
    && rm /image/java/lib/server/classes_nocoops.jsa
ARG SERVICE
# A jar that has been built already, in the context, such as producer/target/producer-0.1.0-SNAPSHOT-exec.jar.
ARG JAR=
WORKDIR /source
COPY . .
RUN if [ -n "$JAR" ]; then cp "$JAR" /image/saf.jar; \
    else mvn -B -q -ntp package -pl "$SERVICE" -am -DskipTests && cp "$SERVICE"/target/*-exec.jar /image/saf.jar; fi
# Those that change least first: each becomes a layer.
RUN cd /image && java -Djarmode=tools -jar saf.jar extract --layers --destination layers --application-filename saf.jar \
    && mkdir -p layers/dependencies layers/spring-boot-loader layers/snapshot-dependencies layers/application \
    && javac -d health /source/deployments/image/Health.java \
    && javac -d receiver /source/docs/examples/Receiver.java \
    && mkdir -p work/config

# A destination for webhooks to try things with; see docker-compose.yml. Not part of the others.
FROM ${RUNTIME_IMAGE} AS receiver
COPY --from=build /image/java /opt/java
COPY --from=build /image/receiver /receiver
USER 10001:10001
ENTRYPOINT ["/opt/java/bin/java", "-XX:+UseSerialGC", "-Xmx32m", "-cp", "/receiver", "Receiver"]
CMD ["9080", "204", "0.0.0.0"]

FROM ${RUNTIME_IMAGE} AS service
COPY --from=build /image/java /opt/java
COPY --from=build /image/layers/dependencies /app
COPY --from=build /image/layers/spring-boot-loader /app
COPY --from=build /image/layers/snapshot-dependencies /app
COPY --from=build /image/layers/application /app
COPY --from=build /image/health /health
# A saf.yml may be put here.
COPY --from=build --chown=10001:10001 /image/work /saf
WORKDIR /saf

# What a start has loaded and linked, so that the next one need not. The training ends when the service is about to
# start working: neither NATS nor a channel is needed; but the consumer wants one to be configured.
FROM service AS training
USER 0
ENV SAF_CHANNELS_TRAINING_TYPE=log
RUN ["/opt/java/bin/java", "-XX:AOTCacheOutput=/app/saf.aot", "-Dspring.context.exit=onRefresh", "-jar", "/app/saf.jar"]

FROM service
COPY --from=training /app/saf.aot /app/saf.aot
USER 10001:10001
# As the charts set it; whoever sets it replaces all of it.
ENV PATH=/opt/java/bin JAVA_TOOL_OPTIONS="-XX:MaxRAMPercentage=60 -XX:+ExitOnOutOfMemoryError"
# 1378 and 1380 are for clients and operators, 1379 and 1381 for health and metrics.
EXPOSE 1378 1379 1380 1381
# A start takes seconds; Kubernetes does not look at this, it has probes.
HEALTHCHECK --interval=5s --timeout=4s --start-period=30s --retries=3 \
    CMD ["/opt/java/bin/java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx16m", "-cp", "/health", "Health", "1379", "1381"]
STOPSIGNAL SIGTERM
# Process 1, so that signals arrive.
ENTRYPOINT ["/opt/java/bin/java", "-XX:AOTCache=/app/saf.aot", "-jar", "/app/saf.jar"]
