// Writes docs/metrics.md from what the services register; with --check, only says whether it is up to date.
import { readFileSync, writeFileSync } from 'node:fs';
import { measureEvents } from '../libs/common/dist/metrics/event-metrics.js';
import { measureHealth } from '../libs/common/dist/metrics/health-metrics.js';
import { measureLog } from '../libs/common/dist/metrics/log-metrics.js';
import { Metrics } from '../libs/common/dist/metrics/metrics.js';
import { CallCounts } from '../libs/rpc/dist/call-metrics.js';
import { measureMessaging } from '../services/messaging/dist/adapters/metrics.js';
import { measureAgent } from '../services/peer-agent/dist/adapters/metrics.js';
import { measureTracker } from '../services/tracker/dist/adapters/metrics.js';

const file = new URL('../docs/metrics.md', import.meta.url);

// Stands for any part of a service: nothing is read of it, since nothing is scraped.
const anything = new Proxy(() => undefined, { get: () => anything, set: () => true });

function familiesOf(measure) {
  const metrics = new Metrics();
  const common = new Set(metrics.families().map(({ name }) => name));
  measure(metrics);
  return metrics.families().filter(({ name }) => !common.has(name));
}

const sections = [
  [
    'Every service',
    (metrics) => {
      new CallCounts(metrics, 'server');
      new CallCounts(metrics, 'client');
      measureHealth(metrics, anything);
      measureLog(metrics);
    },
  ],
  [
    'Tracker',
    (metrics) => {
      measureTracker(metrics, anything);
      measureEvents(metrics, 'tracker', anything);
    },
  ],
  [
    'Messaging',
    (metrics) => {
      measureMessaging(metrics, anything);
      measureEvents(metrics, 'messaging', anything);
    },
  ],
  ['Agent', (metrics) => measureAgent(metrics, anything)],
];

const tables = sections.map(([title, measure]) => {
  const rows = familiesOf(measure).map(
    ({ name, type, labels, help }) =>
      `| \`${name}\` | ${type} | ${labels.map((label) => `\`${label}\``).join(', ')} | ${help} |`,
  );
  return [`## ${title}`, '', '| name | type | labels | what |', '| --- | --- | --- | --- |', ...rows].join(
    '\n',
  );
});

const page = `# Metrics

What a service tells Prometheus at \`http://HOST:PORT/metrics\` when it is started with \`--metrics HOST:PORT\`. This page
is made by \`make docs\` from what the services register, and \`make lint\` checks it: do not edit it.

Counters are since the process started. No label has the value of an infohash, a peer or a name: their number is
bounded. A row with labels appears when something of it was counted first. Besides these there are the metrics of the
process and of Node (\`process_*\`, \`nodejs_*\`). See [operations.md](operations.md#monitor) for the dashboard and the
alerts.

${tables.join('\n\n')}
`;

if (process.argv.includes('--check')) {
  if (readFileSync(file, 'utf8') !== page) {
    console.error('docs/metrics.md is not what the services register: run `make docs`');
    process.exit(1);
  }
} else {
  writeFileSync(file, page);
}
