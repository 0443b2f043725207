import { createHash } from 'node:crypto';
import { setTimeout as delay } from 'node:timers/promises';
import { isUnderWay, type Attack, type Run } from '../attack.js';
import { steadily } from '../flood.js';
import { reach } from '../reach.js';
import { connectTracker, type TrackerSession } from '../sessions.js';
import { inSwarm } from './seeders.js';

/** Messages that wait for the windows of the tracker, at most. */
const MAX_UNSENT = 256 << 10;
const SWING_MS = 30_000;

/** Shares and withdraws one file in turn: an event each. */
export const events: Attack = async (run) => {
  let session = await join(run);
  run.tally.inFullSwing = true;
  let triedMs = performance.now();
  await steadily(run, run.count, async (number) => {
    if ((!session || session.call.isOver) && performance.now() - triedMs > 200) {
      session = await join(run);
      triedMs = performance.now();
    }
    if (!session || session.call.isOver || session.call.unsentBytes > MAX_UNSENT) return;
    if (number % 2) session.say({ $case: 'withdraw', value: { infohash: hashOf(0) } });
    else
      session.say({
        $case: 'share',
        value: { infohash: hashOf(0), file: fileNamed('event.bin'), restated: false, publications: [] },
      });
    run.tally.fact('messages');
  });
};

/** Shares `count` files that do not exist, in one session. */
export const swarms: Attack = (run) => shareNames(run, (number) => `swarm-${number}`);

/** Shares files whose names contain that of an honest file, and sort before it: `count` of one, two more of another. */
export const fillers: Attack = (run) =>
  shareNames({ ...run, count: 2 * run.count + 2 }, (number) =>
    number < run.count ? `!honest.bin.${number}` : `!single.bin.${number}`,
  );

async function shareNames(run: Run, nameOf: (number: number) => string): Promise<void> {
  const session = await join(run);
  // A tracker that reads slowly has to be attacked for long.
  setTimeout(() => (run.tally.inFullSwing = true), SWING_MS).unref();
  if (session) {
    const { call } = session;
    for (let number = 0; number < run.count && isUnderWay(run); number++) {
      const value = {
        infohash: hashOf(number),
        file: fileNamed(nameOf(number)),
        restated: true,
        publications: [],
      };
      session.say({ $case: 'share', value });
      run.tally.fact('shares');
      while (call.unsentBytes > MAX_UNSENT && !call.isOver) await delay(5);
    }
  }
  run.tally.inFullSwing = true;
  while (isUnderWay(run)) await delay(200);
}

/** Seeders of the honest file at addresses that are not theirs: `targets.content` lists them, separated by commas. */
export const dials: Attack = async (run) => {
  await inSwarm(
    run,
    run.targets.content.split(',').map((endpoint) => ({ endpoint })),
  );
  run.tally.inFullSwing = true;
  while (isUnderWay(run)) await delay(200);
};

async function join(run: Run): Promise<TrackerSession | undefined> {
  const connection = await reach(run, run.targets.tracker);
  return connection && connectTracker(connection, run.tally);
}

function hashOf(number: number): Buffer {
  return createHash('sha256').update(`hostile ${number}`).digest();
}

function fileNamed(name: string): {
  name: string;
  sizeBytes: bigint;
  pieceLength: bigint;
  fileCount: number;
} {
  return { name, sizeBytes: 1_000_000n, pieceLength: 16_384n, fileCount: 1 };
}
