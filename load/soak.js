// Long enough for what leaks, fills up or ages: RATE events a second for DURATION. Stops when it is lost anyway.
import { arrivals, carries, delivers, number, send, summary } from './lib.js';

export { setup, teardown } from './lib.js';

export const options = {
    scenarios: { soak: arrivals(number('RATE', 100), __ENV.DURATION || '2h') },
    thresholds: {
        ...carries,
        ...delivers,
        http_req_failed: [{ threshold: 'rate==0', abortOnFail: true, delayAbortEval: '10s' }],
    },
    summaryTrendStats: ['avg', 'med', 'p(95)', 'p(99)', 'max'],
};

export default function () {
    send();
}

export const handleSummary = summary('soak');
