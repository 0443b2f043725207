// Writes docs/metrics.md from the metrics that the services register; with --check, only checks that it is up to date.
import { readFileSync, writeFileSync } from 'node:fs';
import { measureCertificate } from '../libs/common/dist/metrics/certificate-metrics.js';
import { measureEvents } from '../libs/common/dist/metrics/event-metrics.js';
import { measureHealth } from '../libs/common/dist/metrics/health-metrics.js';
import { measureLog } from '../libs/common/dist/metrics/log-metrics.js';
import { Metrics } from '../libs/common/dist/metrics/metrics.js';
import { measureRefusals } from '../libs/rpc/dist/gate/refusals.js';
import { CallCounts } from '../libs/rpc/dist/call-metrics.js';
import { measureMessaging } from '../services/messaging/dist/adapters/metrics.js';
import { measureAgent } from '../services/peer-agent/dist/adapters/metrics.js';
import { measureTracker } from '../services/tracker/dist/adapters/metrics.js';

const file = new URL('../docs/metrics.md', import.meta.url);

// Stub for any part of a service: none of it is read, since nothing is scraped.
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
      measureRefusals(metrics, anything);
      measureHealth(metrics, anything);
      measureLog(metrics);
      measureCertificate(metrics, anything);
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

The metrics of the services for Prometheus, at \`http://HOST:PORT/metrics\` with \`--metrics HOST:PORT\`. \`make docs\`
generates this page from the code, and \`make lint\` checks it: do not edit it.

Counters start at zero with the process. No label contains an infohash, a peer or a name, so the number of series is
bounded. A series with labels appears with its first value. In addition, the services export the metrics of the process
and of Node (\`process_*\`, \`nodejs_*\`). See [operations.md](operations.md#monitor) for the dashboard and the alerts.

${tables.join('\n\n')}
`;

if (process.argv.includes('--check')) {
  if (readFileSync(file, 'utf8') !== page) {
    console.error('docs/metrics.md is out of date: run `make docs`');
    process.exit(1);
  }
} else {
  writeFileSync(file, page);
}
