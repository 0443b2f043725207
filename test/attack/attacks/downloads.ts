import { setTimeout as delay } from 'node:timers/promises';
import { readFile } from 'node:fs/promises';
import { parseMetainfo } from '@enjambre/core/metainfo-parse';
import { PieceLayout } from '@enjambre/core/layout';
import { FetchRequest, PeerServiceService } from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import { isUnderWay, type Attack, type Run } from '../attack.js';
import type { RawCall } from '../raw-call.js';
import type { RawConnection } from '../raw-connection.js';
import { reach } from '../reach.js';
import { greetSeeder } from '../sessions.js';

type FetchMessage = NonNullable<FetchRequest['message']>;

const BLOCK = 1 << 18;
/** Unanswered requests of one stream: 16 MiB. */
const REQUESTS = 64;
const RETRY_MS = 1000;

/** Fresh keys that take upload slots and request nothing, one connection each ten of them. */
export const slots: Attack = (run) => keepDownloaders(run, () => undefined);

/** Fetch streams that request many blocks and never read one. */
export const zeroWindow: Attack = async (run) => {
  const layout = await layoutOf(run);
  await keepDownloaders(run, (fetch) => {
    for (let id = 1; id <= REQUESTS; id++) {
      const piece = id % layout.pieceCount;
      const length = Math.min(BLOCK, layout.pieceSize(piece));
      say(fetch, { $case: 'request', value: { id, piece, begin: 0, length } });
    }
  });
};

async function layoutOf({ targets }: Run): Promise<PieceLayout> {
  return new PieceLayout(parseMetainfo(await readFile(targets.metainfo)));
}

/** Keeps `count` downloaders at the seeder, which open a Fetch stream and then do as `begin` says. */
async function keepDownloaders(run: Run, begin: (fetch: RawCall) => void): Promise<void> {
  const { targets, tally } = run;
  const { pieceCount } = await layoutOf(run);
  const open = new Set<RawConnection>();
  while (isUnderWay(run)) {
    for (let failures = 0; open.size < run.count && failures < 20 && isUnderWay(run);) {
      // The hello must be read, the blocks must not: the window of Fetch alone is zero.
      const connection = await reach(run, targets.seeder, { window: 4096 });
      const session = connection && (await greetSeeder(connection, targets, { pieces: pieceCount, tally }));
      if (!connection || session === undefined) {
        connection?.close();
        failures += 1;
        continue;
      }
      const fetch = connection.call(PeerServiceService.fetch.path);
      say(fetch, {
        $case: 'hello',
        value: {
          ...{ infohash: Buffer.alloc(0), peerId: Buffer.alloc(0), name: '', version: '', takesParts: false },
          ...{ publicKey: Buffer.alloc(0), signature: Buffer.alloc(0), labels: {}, session },
        },
      });
      begin(fetch);
      open.add(connection);
      tally.hold('downloaders');
      fetch.onEnd = () => connection.close();
      connection.onClose = () => {
        tally.release('downloaders');
        open.delete(connection);
      };
    }
    tally.inFullSwing = true;
    await delay(RETRY_MS);
  }
}

function say(fetch: RawCall, message: FetchMessage): void {
  fetch.send(FetchRequest.encode(FetchRequest.fromPartial({ message })).finish());
}
