import { expect, test } from '@jest/globals';
import { waitFor } from '@enjambre/harness/wait-for';
import { Health } from './health.js';
import { HealthKeeper } from './health-keeper.js';

const problems: { nats: string | undefined; store: string | undefined } = {
  nats: undefined,
  store: undefined,
};
const checks = [
  { name: 'x.nats', essential: false, problem: () => problems.nats },
  { name: 'x.store', essential: true, problem: () => problems.store },
];

function running(): Health {
  Object.assign(problems, { nats: undefined, store: undefined });
  const health = new Health('messaging', checks);
  health.enter('running');
  return health;
}

test('a starting service is not ready, and says so', () => {
  expect(new Health('messaging', []).report()).toEqual({
    ready: false,
    reasons: ['messaging: it is starting'],
    checks: {},
  });
});

test('a service is not ready without an essential dependency; without another it is ready and names it', () => {
  const health = running();
  expect(health.report()).toEqual({ ready: true, reasons: [], checks: { 'x.nats': true, 'x.store': true } });
  problems.nats = 'it is unreachable';
  expect(health.report()).toMatchObject({ ready: true, reasons: ['x.nats: it is unreachable'] });
  problems.store = 'it is full';
  expect(health.report()).toMatchObject({ ready: false, checks: { 'x.nats': false, 'x.store': false } });
});

test('servers learn of each change, and of draining first', async () => {
  const health = running();
  const told: string[] = [];
  const state = new Map<string, boolean>();
  const setPart = (name: string, serving: boolean): void => {
    if (state.get(name) !== serving) told.push(`${name} ${String(serving)}`);
    state.set(name, serving);
  };
  const server = { setServing: (serving: boolean) => setPart('all', serving), setPart };
  const keeper = new HealthKeeper(health, [server]);
  await keeper.start();
  expect(told.splice(0)).toEqual(['all true', 'x.nats true', 'x.store true']);
  problems.nats = 'it is unreachable';
  await waitFor(() => told.length > 0, { what: 'the change to be reported' });
  expect(told.splice(0)).toEqual(['x.nats false']);
  await keeper.stop();
  expect(told).toEqual(['all false', 'x.store false']);
  expect(health.report()).toMatchObject({
    ready: false,
    reasons: ['messaging: it is draining', expect.any(String)],
  });
});
