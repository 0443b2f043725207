import type { Agenda } from './agenda.js';
import { floorMs } from './floor.js';
import type { Host } from './host.js';
import type { Machine } from './link.js';
import type { Scenario } from './scenario.js';
import type { TokenLayout } from './token-layout.js';
import type { Tally } from './world.js';

export interface SimulationResult {
  readonly scenario: string;
  readonly seed: number;
  /** Downloaders that were alive at the end. */
  readonly downloaders: number;
  /** Number of these with all pieces. */
  readonly finished: number;
  /** Milliseconds from joining to the last piece, for each downloader that finished, ascending. */
  readonly tookMs: readonly number[];
  /** The same, divided by the {@link floorMs} of the host, ascending. */
  readonly overFloor: readonly number[];
  /** Bytes that all seeders sent together, divided by the content's size. */
  readonly seederShare: number;
  /** Redundant bytes received, divided by the useful ones. */
  readonly duplicateShare: number;
  /** Bytes received from other zones, divided by the content's size. */
  readonly crossedShare: number;
  readonly spoiltBytes: number;
  readonly maxOutstandingBytes: number;
  /** Indexes of the banned hosts. */
  readonly banned: readonly number[];
  /** Pieces that no live host has at the end. */
  readonly lostPieces: readonly number[];
  /** Virtual time of the last event, and the number of events. */
  readonly endMs: number;
  readonly events: number;
}

interface FinishedRun {
  readonly scenario: Scenario;
  readonly seed: number;
  readonly hosts: readonly Host[];
  readonly layout: TokenLayout;
  readonly tally: Tally;
  readonly agenda: Agenda;
}

interface Outcome {
  readonly banned: readonly Machine[];
  readonly lostPieces: readonly number[];
}

export function resultOf(
  { scenario, seed, hosts, layout, tally, agenda }: FinishedRun,
  { banned, lostPieces }: Outcome,
): SimulationResult {
  const downloaders = hosts.filter(({ alive, download }) => alive && download);
  const done = downloaders.flatMap((host) => {
    const finishedMs = host.download?.finishedMs;
    return finishedMs === undefined ? [] : [{ host, tookMs: finishedMs - host.joinedMs }];
  });
  const seederBytes = hosts.reduce(
    (sum, { spec, uploader }) => sum + (spec.seeder ? uploader.sentBytes : 0),
    0,
  );
  const useful =
    hosts.reduce((sum, { download }) => sum + (download?.have.count ?? 0), 0) / layout.pieceCount;
  return {
    scenario: scenario.name,
    seed,
    downloaders: downloaders.length,
    finished: done.length,
    tookMs: ascending(done.map(({ tookMs }) => tookMs)),
    overFloor: ascending(done.map(({ host, tookMs }) => tookMs / floorMs(scenario, host.spec))),
    seederShare: seederBytes / layout.totalLength,
    duplicateShare: tally.duplicateBytes / Math.max(1, useful * layout.totalLength),
    crossedShare: [...tally.crossed.values()].reduce((sum, bytes) => sum + bytes, 0) / layout.totalLength,
    spoiltBytes: tally.spoiltBytes,
    maxOutstandingBytes: tally.maxOutstandingBytes,
    banned: [...new Set(banned.map(({ index }) => index))],
    lostPieces,
    endMs: agenda.nowMs,
    events: agenda.entered,
  };
}

function ascending(values: readonly number[]): number[] {
  return [...values].sort((a, b) => a - b);
}

/** The smallest of ascending values that a share `q` of them does not exceed (nearest rank); NaN for none. */
export function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.max(0, Math.ceil(sorted.length * q) - 1)] ?? NaN;
}
