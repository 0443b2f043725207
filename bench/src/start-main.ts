import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { VERSION } from '@enjambre/common/version';
import { writeRandomFile } from '@enjambre/harness/content';
import { ProcessSwarm } from '@enjambre/harness/swarm';
import { runBench } from './cleanup.js';
import { report } from './report.js';
import { numberSetting } from './settings.js';
import { timeInTurn, type Start } from './start.js';
import { median, spread } from './statistics.js';

const ROUNDS = numberSetting('BENCH_ROUNDS', { default: 20, most: 1000 });
const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const CHECKOUT = join(ROOT, 'cli/bin/enjambre.js');
const BUNDLE = join(ROOT, `dist/enjambre-${VERSION}/bin/enjambre`);

await runBench(async (after) => {
  const swarm = await ProcessSwarm.create();
  after.defer(() => swarm.stop());
  await swarm.startTracker();
  const agent = await swarm.startAgent('a');
  const path = join(swarm.root, 'file.bin');
  await writeRandomFile(path, 1 << 20);
  const { code } = await swarm.command(agent, ['share', path]);
  if (code !== 0) throw new Error('the file could not be shared');

  const ls = ['ls', '--data-dir', agent.dataDir];
  const node = process.execPath;
  const commands = {
    'bare node': [node, '-e', '0'],
    'bundle --version': [node, BUNDLE, '--version'],
    'bundle --help': [node, BUNDLE, '--help'],
    'bundle ls': [node, BUNDLE, ...ls],
    'checkout --version': [node, CHECKOUT, '--version'],
    'checkout --help': [node, CHECKOUT, '--help'],
    'checkout ls': [node, CHECKOUT, ...ls],
  };
  const starts = await timeInTurn(commands, ROUNDS);
  const cpu = (of: readonly Start[]): number[] => of.map(({ cpuSeconds }) => cpuSeconds);
  const bare = median(cpu(starts['bare node']));
  await report({
    benchmark: 'start',
    about: `Node ${process.version}; ${ROUNDS} rounds in turn; median (least to most)`,
    tables: [
      {
        head: ['command', 'seconds', 'CPU seconds', 'CPU of bare node'],
        rows: Object.entries(starts).map(([name, of]) => [
          name,
          spread(
            of.map(({ seconds }) => seconds),
            3,
          ),
          spread(cpu(of), 3),
          `${(median(cpu(of)) / bare).toFixed(2)} ×`,
        ]),
      },
    ],
    data: { rounds: ROUNDS, starts },
  });
});
