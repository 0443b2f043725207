import {
  Cause as WireCause,
  type Explanation as WireExplanation,
} from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import type { Duration } from '@enjambre/proto/gen/google/protobuf/duration';
import type { TransferView } from '../../app/transfer/transfer-view.js';
import type { Cause } from '../../domain/explain/causes.js';
import { explain } from '../../domain/explain/explanation.js';
import { distanceToWire, durationOf, stateToWire } from './convert.js';

const CAUSES: Readonly<Record<Cause, WireCause>> = {
  metainfo: WireCause.METAINFO,
  checking: WireCause.CHECKING,
  tracker: WireCause.TRACKER,
  'no-source': WireCause.NO_SOURCE,
  uploaders: WireCause.UPLOADERS,
  'own-limit': WireCause.OWN_LIMIT,
  disk: WireCause.DISK,
  sources: WireCause.SOURCES,
  finishing: WireCause.FINISHING,
  missing: WireCause.MISSING,
  paused: WireCause.PAUSED,
  failed: WireCause.FAILED,
  off: WireCause.OFF,
};

/** Breakdown of the time of a transfer. Throws as {@link explain} does. */
export function explanationToWire({ record, state, reason, message, peers }: TransferView): WireExplanation {
  const { totalMs, spent, sources, mishaps, conclusion } = explain(record);
  const bans = new Map(peers.map(({ peerId, banned }) => [peerId, banned]));
  return {
    infohash: record.infohash,
    name: record.name || record.infohash.slice(0, 8),
    state: stateToWire(state),
    reason,
    message,
    sizeBytes: BigInt(record.sizeBytes),
    selectedBytes: BigInt(record.selectedBytes),
    doneBytes: BigInt(record.doneBytes),
    totalTime: milliseconds(totalMs),
    spent: spent.map(({ cause, ms, stalledMs }) => ({
      cause: CAUSES[cause],
      time: milliseconds(ms),
      stalled: milliseconds(stalledMs),
    })),
    untilMetainfo: reached(record.account.metainfoAtMs),
    untilFirstByte: reached(record.account.firstByteAtMs),
    sources: sources.map((source) => ({
      id: source.peerId,
      name: source.name,
      distance: distanceToWire(source.distance),
      downloadedBytes: BigInt(source.received),
      sendingTime: milliseconds(source.receivingMs),
      downloadRate: BigInt(Math.round(source.rate)),
      banMessage: bans.get(source.peerId) ?? '',
    })),
    duplicateBytes: BigInt(record.account.duplicateBytes),
    wastedBytes: BigInt(record.wastedBytes),
    hashFailureCount: BigInt(mishaps['hash-failure']),
    refusalCount: BigInt(mishaps.refusal),
    withdrawalCount: BigInt(mishaps.withdrawal),
    reconnectionCount: BigInt(mishaps.reconnection),
    unreachableCount: BigInt(mishaps.unreachable),
    banCount: BigInt(mishaps.ban),
    conclusion,
  };
}

/** Undefined if it has not happened yet. */
function reached(ms: number): Duration | undefined {
  return ms < 0 ? undefined : milliseconds(ms);
}

function milliseconds(ms: number): Duration {
  return durationOf(ms / 1000);
}
