// Where is the knee: STEPS steps of DURATION each, from RATE to PEAK events a second. The knee is the last step whose
// 99th percentile stays below P99, in which nothing is refused and which k6 could send as fast as it was to. Beyond the
// knee anything may happen, so only the first step has to be carried; but what is stored is delivered.
import { arrivals, number, seconds, send, summary } from './lib.js';

export { setup, teardown } from './lib.js';

const LIMIT = number('P99', 500);
const STEPS = Math.max(2, number('STEPS', 8));
const LENGTH = seconds(__ENV.DURATION || '15s');
const FROM = number('RATE', 200);
const TO = number('PEAK', 4000);

const steps = Array.from({ length: STEPS }, (_, i) => {
    const rate = Math.round(FROM + ((TO - FROM) * i) / (STEPS - 1));
    return { name: `step_${String(i + 1).padStart(2, '0')}`, rate };
});

const thresholds = {
    saf_all_delivered: ['rate==1'],
    'http_req_failed{scenario:step_01}': ['rate==0'],
    'dropped_iterations{scenario:step_01}': ['count==0'],
};
for (const { name } of steps) {
    // Always kept: what has no threshold is not in the summary step by step.
    thresholds[`http_req_duration{scenario:${name}}`] = ['max>=0'];
    thresholds[`http_reqs{scenario:${name}}`] = ['count>=0'];
    thresholds[`http_req_failed{scenario:${name}}`] ||= ['rate>=0'];
    thresholds[`dropped_iterations{scenario:${name}}`] ||= ['count>=0'];
}

export const options = {
    scenarios: Object.fromEntries(
        steps.map(({ name, rate }, i) => [
            name,
            arrivals(rate, `${LENGTH}s`, { startTime: `${i * LENGTH}s`, gracefulStop: '1s' }),
        ]),
    ),
    thresholds,
    summaryTrendStats: ['avg', 'med', 'p(95)', 'p(99)', 'max'],
};

export default function () {
    send();
}

export const handleSummary = summary('ramp', (data) => {
    const value = (metric, step, key) => data.metrics[`${metric}{scenario:${step}}`]?.values[key] ?? 0;
    const told = steps.map(({ name, rate }) => ({
        rate,
        p99_ms: value('http_req_duration', name, 'p(99)'),
        refused: value('http_req_failed', name, 'rate'),
        not_sent: value('dropped_iterations', name, 'count'),
        carried: value('http_reqs', name, 'count') > 0,
    }));
    let knee = null;
    for (const step of told) {
        if (!step.carried || step.p99_ms > LIMIT || step.refused > 0 || step.not_sent > 0) {
            break;
        }
        knee = step.rate;
    }
    return { knee, steps: told };
});
