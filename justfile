# Thin names for the commands the README shows. `just` alone lists them.

producer := env("SAF_PRODUCER", "http://127.0.0.1:1378")

[private]
default:
    @just --list --unsorted

# everything on this machine: nats-server, consumer and producer, until Ctrl-C or `just down`
up:
    mvn -q spring-boot:run

# stop what `just up` started in this folder, and wait until it has stopped
down:
    #!/bin/sh
    pid=$(cat .saf/pid 2>/dev/null) && kill "$pid" 2>/dev/null || { echo "Saf does not run here"; exit 0; }
    while kill -0 "$pid" 2>/dev/null; do sleep 0.2; done

# all of it in containers: just dev up [observability] [cluster], then just dev down
[positional-arguments]
dev command *arguments:
    @deployments/compose/dev "$@"

# load on what runs: just load steady, with RATE=500 DURATION=5m before it; the report is in target/load
load scenario *options:
    mkdir -p target/load
    tools/k6 run --no-usage-report -e OUT=target/load {{ options }} {{ quote("load/" + scenario + ".js") }}

# all tests
test:
    mvn verify

# the tests of the Helm charts, on an API server of Kubernetes that is built the first time, in minutes
charts:
    mvn verify -pl deployments -am -Dtest=ChartReadmeTest -Dit.test='ChartsIT,KubernetesIT,NackIT,RenderedPodIT' \
        -Dsurefire.failIfNoSpecifiedTests=false -Dfailsafe.failIfNoSpecifiedTests=false

# ratios, measured on this machine in about five minutes
benchmark:
    mvn -q -pl benchmarks -am process-classes -Pbenchmark

# build both services twice, in two folders, and compare the jars byte by byte
reproducible:
    deployments/reproducible

# send an event, e.g. just send ride.accepted '{"ride": 1}'
send subject payload='null':
    curl -sS -i {{ quote(producer + "/api/event") }} -H 'Content-Type: application/json' \
        -d {{ quote('{"subject": "' + subject + '", "payload": ' + payload + '}') }}

# rewrite all sources in the project's format
format:
    mvn -q -pl format test -Dformat=apply

# take a walk through a page of docs/operations, e.g. just walk cluster
walk page:
    deployments/walk-throughs/walk {{ quote(page) }}
