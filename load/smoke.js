// Does it work at all: a few events, one after another, and what is refused.
import http from 'k6/http';
import { check } from 'k6';
import { PRODUCER, carries, delivers, json, number, send, summary } from './lib.js';

export { setup, teardown } from './lib.js';

export const options = {
    scenarios: { smoke: { executor: 'shared-iterations', vus: 1, iterations: number('EVENTS', 20), maxDuration: '1m' } },
    thresholds: { ...carries, ...delivers },
    summaryTrendStats: ['avg', 'med', 'p(95)', 'p(99)', 'max'],
};

export default function () {
    send();
    const refused = http.post(`${PRODUCER}/api/event`, '{"subject":""}', {
        ...json,
        responseCallback: http.expectedStatuses(400),
    });
    check(refused, {
        'refused with a problem (400)': (answer) => answer.status === 400 && answer.json('outcome') === 'not_stored',
    });
}

export const handleSummary = summary('smoke');
