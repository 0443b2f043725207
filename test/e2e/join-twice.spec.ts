import { cp } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, jest, test } from '@jest/globals';
import { NatsServer } from '@enjambre/harness/nats-server';
import { ProcessSwarm } from '@enjambre/harness/swarm';

jest.setTimeout(90_000);

let swarm: ProcessSwarm;
let trackers: string[];

beforeAll(async () => {
  swarm = await ProcessSwarm.create();
  const nats = swarm.add(await NatsServer.start());
  await swarm.enjambre(['ca', 'init', '--ca', 'ca-0', '--network', 'prod']);
  await cp(join(swarm.root, 'ca-0'), join(swarm.root, 'ca-1'), { recursive: true });
  trackers = await Promise.all(
    [0, 1].map((at) =>
      swarm
        .run([
          ...['tracker', '--listen', '127.0.0.1:0', '--ca', `ca-${at}`, '--nats', nats.url],
          ...['--name', `tracker-${at}`, '--log-format', 'json'],
        ])
        .waitForLog(({ address }) => (typeof address === 'string' ? address : undefined), `tracker ${at}`),
    ),
  );
});

afterAll(() => swarm.stop());

test('a token for one use gives one certificate, whichever tracker is asked', async () => {
  const { stdout: token } = await swarm.enjambre(['ca', 'token', '--ca', 'ca-0']);
  const agents = trackers.map((tracker, at) =>
    swarm.run([
      ...['agent', '--name', `a${at}`, '--data-dir', `a${at}`, '--listen', '127.0.0.1:0'],
      ...['--tracker', tracker, '--join', token, '--log-format', 'json'],
    ]),
  );
  const refused = await Promise.race(agents.map(async (agent) => ({ agent, code: await agent.wait() })));
  expect(refused.code).not.toBe(0);
  expect(refused.agent.stderr.join()).toContain('the join token was used already: ask for a new one');
  const other = agents.find((agent) => agent !== refused.agent);
  await other?.waitForLog(
    ({ msg }) => (/session with tracker|connected to/.test(String(msg)) ? true : undefined),
    'the session of the other',
  );
});
