// The everyday load: RATE events a second for DURATION, whatever the answers take.
import { arrivals, carries, delivers, number, send, summary } from './lib.js';

export { setup, teardown } from './lib.js';

export const options = {
    scenarios: { steady: arrivals(number('RATE', 200), __ENV.DURATION || '1m') },
    thresholds: { ...carries, ...delivers },
    summaryTrendStats: ['avg', 'med', 'p(95)', 'p(99)', 'max'],
};

export default function () {
    send();
}

export const handleSummary = summary('steady');
