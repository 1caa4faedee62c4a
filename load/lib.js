// What the scenarios beside this file share. Everything that differs from place to place comes from `-e NAME=value`.
import http from 'k6/http';
import { check, sleep } from 'k6';
import exec from 'k6/execution';
import { Gauge, Rate } from 'k6/metrics';

export const PRODUCER = __ENV.PRODUCER || 'http://127.0.0.1:1378';
const PRODUCER_METRICS = __ENV.PRODUCER_METRICS || 'http://127.0.0.1:1379/actuator/prometheus';
const CONSUMER_METRICS = __ENV.CONSUMER_METRICS || 'http://127.0.0.1:1381/actuator/prometheus';
const CHANNEL = __ENV.CHANNEL || 'log';
const SUBJECT = __ENV.SUBJECT || 'load.test';
const OUT = __ENV.OUT || '';
// How long the channel may take for what is left when the load is over.
const PATIENCE = seconds(__ENV.PATIENCE || '60s');

// What only the consumer knows: an answer to a request is not a delivery.
const ageP99 = new Gauge('saf_event_age_p99', true);
const ageMean = new Gauge('saf_event_age_mean', true);
const delivered = new Gauge('saf_delivered');
const allDelivered = new Rate('saf_all_delivered');

/** Thresholds that hold for every scenario whose events are to be stored and delivered. */
export const delivers = {
    saf_all_delivered: ['rate==1'],
    // What the consumer's histogram can tell: the bucket in which the 99th of a hundred events was offered.
    saf_event_age_p99: [`value<=${__ENV.AGE_P99 || 1000}`],
};

/** Thresholds for a load that has to be carried: without the last one a generator that falls behind looks like success. */
export const carries = {
    checks: ['rate==1'],
    http_req_failed: ['rate==0'],
    'http_req_duration{kind:event}': [`p(95)<${__ENV.P95 || 250}`, `p(99)<${__ENV.P99 || 500}`],
    dropped_iterations: ['count==0'],
};

/** A number from the environment. */
export function number(name, otherwise) {
    const value = Number(__ENV[name] || otherwise);
    if (!Number.isFinite(value) || value <= 0) {
        throw new Error(`${name} must be a number above 0, is ${__ENV[name]}`);
    }
    return value;
}

/** Seconds of a duration such as 500ms, 30s, 10m or 2h. */
export function seconds(duration) {
    const parts = /^(\d+(?:\.\d+)?)(ms|s|m|h)$/.exec(duration);
    if (!parts) {
        throw new Error(`'${duration}' is no duration; write 500ms, 30s, 10m or 2h`);
    }
    return Number(parts[1]) * { ms: 0.001, s: 1, m: 60, h: 3600 }[parts[2]];
}

/** As many events a second as are asked for, however long each takes. */
export function arrivals(rate, duration, more = {}) {
    return {
        executor: 'constant-arrival-rate',
        rate: Math.max(1, Math.round(rate)),
        timeUnit: '1s',
        duration: duration,
        // Enough for answers that take a quarter of a second, and room for four times that.
        preAllocatedVUs: Math.min(1000, Math.max(50, Math.ceil(rate / 4))),
        maxVUs: Math.max(100, Math.ceil(rate)),
        ...more,
    };
}

/** An id that no other run makes. */
export function id() {
    return `${exec.scenario.name}-${exec.scenario.startTime}-${exec.vu.idInTest}-${exec.vu.iterationInInstance}`;
}

/** An event as clients send it. */
export function event(more = {}) {
    return JSON.stringify({
        subject: SUBJECT,
        service: 'k6',
        payload: { sent: Date.now(), text: 'x'.repeat(number('BYTES', 200)) },
        ...more,
    });
}

/** How events are posted: the tag tells their times from those of reading metrics. */
export const json = { headers: { 'Content-Type': 'application/json' }, tags: { kind: 'event' } };

/** Sends one and checks that it is stored. */
export function send(more = {}) {
    const response = http.post(`${PRODUCER}/api/event`, event(more), json);
    check(response, {
        'stored (202)': (answer) => answer.status === 202,
        'with a receipt': (answer) => answer.status === 202 && answer.json('sequence') > 0,
    });
    return response;
}

/** What both services have counted so far. k6 hands it to `teardown`. */
export function setup() {
    const before = counts();
    if (before.delivered === undefined) {
        throw new Error(`no channel '${CHANNEL}' at ${CONSUMER_METRICS}; name one with -e CHANNEL=`);
    }
    if (before.ages.length === 0) {
        throw new Error(`no histogram saf_channel_event_age_seconds at ${CONSUMER_METRICS}; that consumer is too old`);
    }
    return before;
}

/** Waits until the channel has had everything, then says how it went there. */
export function teardown(before) {
    const end = Date.now() + PATIENCE * 1000;
    let now = counts();
    while (now.delivered - before.delivered < now.stored - before.stored && Date.now() < end) {
        sleep(0.5);
        now = counts();
    }
    const stored = now.stored - before.stored;
    const arrived = now.delivered - before.delivered;
    delivered.add(arrived);
    allDelivered.add(stored > 0 && arrived === stored);
    const offered = now.offered - before.offered;
    if (offered > 0) {
        ageMean.add(((now.seconds - before.seconds) / offered) * 1000);
        ageP99.add(quantile(0.99, before.ages, now.ages) * 1000);
    }
    console.log(`${stored} events stored, ${arrived} delivered by the channel ${CHANNEL}`);
}

function counts() {
    // Not part of the load: no failure of this one is a failure of that.
    const quiet = { responseCallback: http.expectedStatuses({ min: 200, max: 599 }) };
    const producer = samples(http.get(PRODUCER_METRICS, quiet));
    const consumer = samples(http.get(CONSUMER_METRICS, quiet));
    const of = (name) => consumer.find((each) => each.name === name && each.labels.channel === CHANNEL)?.value;
    const sum = (name) => producer.filter((each) => each.name === name).reduce((all, each) => all + each.value, 0);
    return {
        stored: sum('saf_producer_accepted_total') - sum('saf_producer_duplicates_total'),
        delivered: of('saf_channel_delivered_total'),
        offered: of('saf_channel_event_age_seconds_count'),
        seconds: of('saf_channel_event_age_seconds_sum'),
        ages: consumer
            .filter((each) => each.name === 'saf_channel_event_age_seconds_bucket' && each.labels.channel === CHANNEL)
            // Infinity does not survive the way from setup to teardown.
            .map((each) => ({ most: each.labels.le, count: each.value })),
    };
}

function samples(response) {
    if (response.status !== 200) {
        throw new Error(`${response.request.url} answers ${response.status}; that is where the metrics should be`);
    }
    return response.body
        .split('\n')
        .filter((line) => line && !line.startsWith('#'))
        .map((line) => {
            const [, name, labels, value] = /^(\w+)(?:\{(.*)\})? (\S+)/.exec(line);
            const pairs = [...(labels || '').matchAll(/(\w+)="((?:[^"\\]|\\.)*)"/g)];
            return { name, labels: Object.fromEntries(pairs.map((pair) => [pair[1], pair[2]])), value: Number(value) };
        });
}

/** The upper end of the bucket with that quantile; the largest finite one if it is beyond all of them. */
function quantile(q, before, now) {
    const buckets = now
        .map((bucket, i) => ({ most: Number(bucket.most.replace('+Inf', 'Infinity')), count: bucket.count - (before[i]?.count || 0) }))
        .sort((a, b) => a.most - b.most);
    const all = buckets[buckets.length - 1].count;
    const found = buckets.find((bucket) => bucket.count >= q * all).most;
    return Number.isFinite(found) ? found : buckets[buckets.length - 2].most * 10;
}

/** Writes OUT/<name>.json and OUT/<name>.html, and a table to the terminal. */
export function summary(name, more = () => ({})) {
    return (data) => {
        const found = more(data);
        const failed = rows(data).filter((row) => row.failed).map((row) => row.metric);
        if (!data.metrics.iterations) {
            // Thresholds of what has not been are kept.
            failed.unshift('anything: it has not begun');
        }
        const files = { stdout: text(name, data, found, failed) };
        if (OUT) {
            files[`${OUT}/${name}.json`] = JSON.stringify({ scenario: name, passed: failed.length === 0, ...found, ...data }, null, 2);
            files[`${OUT}/${name}.html`] = html(name, data, found, failed);
        }
        return files;
    };
}

function rows(data) {
    return Object.entries(data.metrics)
        .sort(([a], [b]) => a.localeCompare(b))
        .map(([metric, { values, thresholds = {} }]) => ({
            metric,
            values: Object.entries(values)
                .map(([key, value]) => `${key} ${Number.isInteger(value) ? value : Number(value).toPrecision(4)}`)
                .join(', '),
            thresholds: Object.keys(thresholds).join(', '),
            failed: Object.values(thresholds).some((each) => !each.ok),
        }));
}

function text(name, data, found, failed) {
    const lines = rows(data).map((row) => `${row.failed ? '✗' : ' '} ${row.metric.padEnd(44)} ${row.values}`);
    const outcome = failed.length === 0 ? 'every threshold is kept' : `NOT kept: ${failed.join(', ')}`;
    return `\n${lines.join('\n')}\n\n${Object.keys(found).length ? JSON.stringify(found) + '\n' : ''}${name}: ${outcome}\n`;
}

function html(name, data, found, failed) {
    const escape = (value) => String(value).replace(/[&<>"]/g, (c) => `&#${c.charCodeAt(0)};`);
    const body = rows(data)
        .map((row) => `<tr${row.failed ? ' class="failed"' : ''}><td>${[row.metric, row.values, row.thresholds].map(escape).join('<td>')}`)
        .join('\n');
    return `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Saf: ${escape(name)}</title>
<style>
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 70rem; padding: 0 1rem }
table { border-collapse: collapse; width: 100% }
td, th { border-bottom: 1px solid #ccc; padding: .3rem .6rem; text-align: left; vertical-align: top }
.failed { background: #fdd }
</style>
<h1>Saf: ${escape(name)}</h1>
<p>${failed.length === 0 ? 'Every threshold is kept.' : `<b>${failed.length} not kept.</b>`}
${escape((data.state.testRunDurationMs / 1000).toFixed(1))} s against ${escape(PRODUCER)}. ${escape(Object.keys(found).length ? JSON.stringify(found) : '')}</p>
<table><tr><th>metric<th>values<th>thresholds
${body}
</table></html>
`;
}
