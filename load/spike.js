// Ten times as much, suddenly: RATE events a second, then PEAK for SPIKE, then RATE again. In the spike events may be
// refused, in a way that says so and when to come back; before and after it none is, and all that is stored is delivered.
import { check } from 'k6';
import http from 'k6/http';
import { PRODUCER, arrivals, event, json, number, seconds, summary } from './lib.js';

export { setup, teardown } from './lib.js';

const RATE = number('RATE', 100);
const CALM = seconds(__ENV.DURATION || '20s');
const SPIKE = seconds(__ENV.SPIKE || '10s');

export const options = {
    scenarios: {
        before: arrivals(RATE, `${CALM}s`),
        spike: arrivals(number('PEAK', RATE * 10), `${SPIKE}s`, { startTime: `${CALM}s` }),
        // With a pause for the answers of the spike, which may take as long as publish-budget.
        after: arrivals(RATE, `${CALM}s`, { startTime: `${CALM + SPIKE + seconds(__ENV.PAUSE || '10s')}s` }),
    },
    thresholds: {
        checks: ['rate==1'],
        'http_req_failed{scenario:before}': ['rate==0'],
        'http_req_failed{scenario:after}': ['rate==0'],
        'http_req_duration{scenario:after}': [`p(99)<${__ENV.P99 || 500}`],
        'dropped_iterations{scenario:before}': ['count==0'],
        'dropped_iterations{scenario:after}': ['count==0'],
        'http_reqs{scenario:spike}': ['count>0'],
        saf_all_delivered: ['rate==1'],
    },
    summaryTrendStats: ['avg', 'med', 'p(95)', 'p(99)', 'max'],
};

export default function () {
    check(http.post(`${PRODUCER}/api/event`, event(), json), {
        'stored, or refused with a time to come back': (answer) =>
            answer.status === 202 ||
            (answer.status === 503 && Number(answer.headers['Retry-After']) > 0 && answer.json('outcome') !== undefined),
    });
}

export const handleSummary = summary('spike');
