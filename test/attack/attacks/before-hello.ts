import { setTimeout as delay } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { PeerServiceService, SyncRequest } from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import type { Attack } from '../attack.js';
import { steadily } from '../flood.js';
import type { RawConnection } from '../raw-connection.js';
import { reach } from '../reach.js';

const PIECES = 65_536;
const STREAMS = 50;
const PER_STREAM = 4;
const RETRY_MS = 100;

/** Haves of a whole batch of pieces, compressed: 200 bytes on the wire for each 128 kB. */
const HAVE = gzipSync(
  SyncRequest.encode({
    message: { $case: 'have', value: { pieces: Array.from({ length: PIECES }, () => 1) } },
  }).finish(),
);

/** Compressed messages before any hello, headers of 12 kB, and methods that do not exist, in turn. */
export const beforeHello: Attack = async (run) => {
  let connection: RawConnection | undefined;
  let triedMs = -Infinity;
  run.tally.inFullSwing = true;
  await steadily(run, run.count, async (number) => {
    if (!connection?.isOpen) {
      if (performance.now() - triedMs < RETRY_MS) return delay(5);
      triedMs = performance.now();
      connection = await reach(run, run.targets.seeder);
    }
    if (!connection?.isOpen || connection.socket.writableLength > 1 << 20) return;
    if (number % 3 === 0) {
      const call = connection.call(PeerServiceService.sync.path, [['grpc-encoding', 'gzip']]);
      for (let at = 0; at < PER_STREAM; at++) call.send(HAVE, true);
    } else if (number % 3 === 1)
      connection.call(PeerServiceService.sync.path, [['x-fill', 'x'.repeat(12_000)]]);
    else connection.call(`/enjambre.peer.v1.PeerService/Unknown${number}`).send(HAVE, true).end();
    // Older streams make room, as an attacker that varies its streams would do.
    if (connection.calls.size > STREAMS) connection.calls.values().next().value?.cancel();
  });
  connection?.close();
};
