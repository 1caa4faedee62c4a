// Clients that send again: each event three times at once under its id, then something else under the same id.
import http from 'k6/http';
import { check } from 'k6';
import { PRODUCER, arrivals, carries, delivers, event, id, json, number, summary } from './lib.js';

export { setup, teardown } from './lib.js';

export const options = {
    scenarios: { dedupe: arrivals(number('RATE', 50), __ENV.DURATION || '30s') },
    // Delivered is as much as is stored, and stored is each id once: so nothing is delivered twice.
    thresholds: { ...carries, ...delivers },
    summaryTrendStats: ['avg', 'med', 'p(95)', 'p(99)', 'max'],
};

export default function () {
    const own = id();
    const body = event({ id: own });
    const answers = http.batch([1, 2, 3].map(() => ['POST', `${PRODUCER}/api/event`, body, json]));
    check(answers, {
        'each stored (202)': (all) => all.every((answer) => answer.status === 202),
        'one is the first, the others are repeats': (all) =>
            all.filter((answer) => answer.status === 202 && answer.json('duplicate') === false).length === 1,
        'all have the same sequence': (all) => new Set(all.map((answer) => answer.json('sequence'))).size === 1,
    });
    const other = http.post(`${PRODUCER}/api/event`, event({ id: own, payload: 'something else' }), {
        ...json,
        responseCallback: http.expectedStatuses(422),
    });
    check(other, { 'an id used again for something else is refused (422)': (answer) => answer.status === 422 });
}

export const handleSummary = summary('dedupe');
