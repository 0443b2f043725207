import { availableParallelism } from 'node:os';
import { runBench } from './cleanup.js';
import { benchParts, type PartsSample } from './parts.js';
import { report } from './report.js';
import { foldersSetting, mibSetting, roundsSetting, type FolderKind } from './settings.js';
import { median, spread } from './statistics.js';

const MIB = 1 << 20;
const BYTES = mibSetting(1024) * MIB;
const ROUNDS = roundsSetting();
const CHOSEN = foldersSetting();
const CORES = availableParallelism();

/** Lower bound for any program: the sum of all parts, evenly on all cores. */
function limitOf(samples: readonly PartsSample[]): { cpuSeconds: number; bytesPerSecond: number } {
  const parts = (['read', 'sendAndReceive', 'hash', 'write'] as const).map((part) =>
    median(samples.map((sample) => sample[part])),
  );
  const sum = parts.reduce((all, part) => all + part, 0);
  return { cpuSeconds: sum, bytesPerSecond: BYTES / Math.max(sum / CORES, ...parts) };
}

const perGiB = (seconds: number): number => (seconds * 1024 * MIB) / BYTES;

await runBench(async (after) => {
  const folders: { kind: FolderKind; samples: PartsSample[] }[] = [];
  for (const { kind, folder } of CHOSEN) {
    const part = after.part();
    folders.push({
      kind,
      samples: await benchParts({ after: part, bytes: BYTES, rounds: ROUNDS, parent: folder }),
    });
    await part.run();
  }
  const column = (samples: readonly PartsSample[], part: keyof PartsSample): string =>
    spread(
      samples.map((sample) => perGiB(sample[part])),
      2,
    );
  await report({
    benchmark: 'parts',
    about: `work that every program must do for each byte: CPU seconds per GiB, ${ROUNDS} rounds, ${CORES} cores; median (least to most)`,
    tables: [
      {
        head: ['folder', 'read', 'send and receive', 'hash', 'write', 'together', 'at most MB/s'],
        rows: folders.map(({ kind, samples }) => {
          const { cpuSeconds, bytesPerSecond } = limitOf(samples);
          return [
            kind,
            column(samples, 'read'),
            column(samples, 'sendAndReceive'),
            column(samples, 'hash'),
            column(samples, 'write'),
            perGiB(cpuSeconds).toFixed(2),
            (bytesPerSecond / 1e6).toFixed(0),
          ];
        }),
      },
    ],
    data: {
      bytes: BYTES,
      rounds: ROUNDS,
      folders: folders.map(({ kind, samples }) => ({ kind, samples, limit: limitOf(samples) })),
    },
  });
});
