import { parseInfoHash, parsePeerId, type InfoHash } from '@enjambre/core/ids';
import { DISTANCES } from '@enjambre/core/locality';
import { z } from 'zod';
import { NO_LIMITS } from '../../domain/limits/limit-settings.js';
import type { TransferRecord } from '../../domain/transfer-record.js';
import { accountFromEntry, accountShape, accountToEntry } from './account-entry.js';
import { trafficFromEntry, trafficShape, trafficToEntry } from './traffic-entry.js';
import { factsFromEntry, factsShape, factsToEntry, faultOf } from './transfer-facts.js';

const VERSION = 1;
const count = z.number().int().min(0);
const time = z.iso.datetime({ offset: true });
/** Values counted in milliseconds must stay safe integers. */
const MAX_SECONDS = Number.MAX_SAFE_INTEGER / 1000;

/** Absent: the agent's default. */
const limit = z.union([z.number().min(0).max(MAX_SECONDS), z.literal('none')]);

const peerSchema = z.object({
  peer_id: z.string().transform((text) => parsePeerId(text)),
  name: z.string(),
  bytes_received: count,
  bytes_sent: count,
  distance: z.enum(DISTANCES).default('unknown'),
  receiving_ms: count.default(0),
});

const transferSchema = z.object({
  ...factsShape,
  warning: z.string().default(''),
  complete: z.boolean(),
  fingerprint: z.string().default(''),
  recheck: z.boolean().default(false),
  bytes_total: count,
  // Older versions download all files.
  bytes_selected: count.optional(),
  bytes_done: count,
  bytes_downloaded: count.default(0),
  bytes_uploaded: count.default(0),
  bytes_wasted: count.default(0),
  completed_at: time.nullable().default(null),
  active_seconds: z.number().min(0).max(MAX_SECONDS).default(0),
  seeding_seconds: z.number().min(0).max(MAX_SECONDS).default(0),
  max_upload: count.default(NO_LIMITS.maxUpload),
  max_download: count.default(NO_LIMITS.maxDownload),
  priority: z.enum(['high', 'normal', 'low']).default(NO_LIMITS.priority),
  seed_ratio: limit.optional(),
  seed_time_seconds: limit.optional(),
  peers: z.array(peerSchema).default([]),
  ...trafficShape,
  ...accountShape,
});

const version = z.literal(VERSION);
/** Number of the first journal with later changes. Older versions omit it, and keep no journal. */
const journal = z.number().int().min(0).optional();
const fileSchema = z.object({ version, journal, transfers: z.array(transferSchema) });
const looseSchema = z.object({ version, transfers: z.array(z.unknown()) });
const lineSchema = z.union([
  z.object({ version, transfer: transferSchema }),
  z.object({ version, removed: z.string().transform((text) => parseInfoHash(text)) }),
]);

type FileEntry = z.input<typeof transferSchema>;

/** The text of a transfer in `download_status.json`. */
export function entryText(record: TransferRecord): string {
  return JSON.stringify(toEntry(record), null, 2).replaceAll('\n', '\n    ');
}

/** The text of `download_status.json`, in parts: all transfers, readable by people and loaded at the next start. */
export function* statusText(entries: Iterable<string>, journal: number): Iterable<string> {
  yield `{\n  "version": ${VERSION},\n  "journal": ${journal},\n  "transfers": [`;
  let end = ']';
  let before = '\n    ';
  for (const entry of entries) {
    yield before + entry;
    [before, end] = [',\n    ', '\n  ]'];
  }
  yield `${end}\n}\n`;
}

/** Parses the text of {@link statusText}. Throws the reason if it is torn or has another format. */
export function readStatus(text: string): { records: TransferRecord[]; journal: number | undefined } {
  const parsed = fileSchema.safeParse(JSON.parse(text));
  if (parsed.success) return { records: parsed.data.transfers.map(fromEntry), journal: parsed.data.journal };
  throw new Error(faultOf(parsed.error));
}

/** The journal line that sets the record of a transfer. */
export function journalLine(record: TransferRecord): object {
  return { version: VERSION, transfer: toEntry(record) };
}

/** The journal line that removes a transfer. */
export function removalLine(removed: InfoHash): object {
  return { version: VERSION, removed };
}

/** Undefined if the line is invalid. */
export function readJournalLine(
  line: unknown,
): { readonly record: TransferRecord } | { readonly removed: InfoHash } | undefined {
  try {
    const parsed = lineSchema.parse(line);
    return 'removed' in parsed ? parsed : { record: fromEntry(parsed.transfer) };
  } catch {
    return undefined;
  }
}

/** The valid entries of a text that {@link readStatus} refuses; none if it is torn or of another version. */
export function salvageStatus(text: string): TransferRecord[] {
  try {
    return looseSchema.parse(JSON.parse(text)).transfers.flatMap(salvageEntry);
  } catch {
    return [];
  }
}

function salvageEntry(entry: unknown): TransferRecord[] {
  try {
    return [fromEntry(transferSchema.parse(entry))];
  } catch {
    return [];
  }
}

function toEntry(record: TransferRecord): FileEntry {
  return {
    ...factsToEntry(record),
    warning: record.warning,
    complete: record.complete,
    fingerprint: record.fingerprint,
    recheck: record.recheck,
    bytes_total: record.sizeBytes,
    ...(record.selectedBytes !== record.sizeBytes && { bytes_selected: record.selectedBytes }),
    bytes_done: record.doneBytes,
    bytes_downloaded: record.downloadedBytes,
    bytes_uploaded: record.uploadedBytes,
    bytes_wasted: record.wastedBytes,
    completed_at: record.completedAtMs === 0 ? null : new Date(record.completedAtMs).toISOString(),
    active_seconds: Math.round(record.activeMs) / 1000,
    seeding_seconds: Math.round(record.seededMs) / 1000,
    max_upload: record.maxUpload,
    max_download: record.maxDownload,
    priority: record.priority,
    ...(record.seedRatio !== undefined && { seed_ratio: limitToEntry(record.seedRatio) }),
    ...(record.seedTimeMs !== undefined && { seed_time_seconds: limitToEntry(record.seedTimeMs / 1000) }),
    ...trafficToEntry(record.traffic),
    ...accountToEntry(record.account),
    peers: record.peers.map(({ peerId, name, received, sent, distance, receivingMs }) => ({
      peer_id: peerId,
      name,
      bytes_received: received,
      bytes_sent: sent,
      distance,
      receiving_ms: Math.round(receivingMs),
    })),
  };
}

function limitToEntry(value: number): number | 'none' {
  return value === Infinity ? 'none' : value;
}

function limitFromEntry(
  entry: number | 'none' | undefined,
  convert = (value: number): number => value,
): number | undefined {
  return entry === 'none' ? Infinity : entry === undefined ? undefined : convert(entry);
}

function fromEntry(entry: z.output<typeof transferSchema>): TransferRecord {
  const selectedBytes = Math.min(entry.bytes_selected ?? Infinity, entry.bytes_total);
  return {
    ...factsFromEntry(entry),
    warning: entry.warning,
    complete: entry.complete,
    fingerprint: entry.fingerprint,
    recheck: entry.recheck,
    sizeBytes: entry.bytes_total,
    selectedBytes,
    doneBytes: Math.min(entry.bytes_done, selectedBytes),
    downloadedBytes: entry.bytes_downloaded,
    uploadedBytes: entry.bytes_uploaded,
    wastedBytes: entry.bytes_wasted,
    completedAtMs: entry.completed_at === null ? 0 : Date.parse(entry.completed_at),
    activeMs: entry.active_seconds * 1000,
    seededMs: Math.round(entry.seeding_seconds * 1000),
    maxUpload: entry.max_upload,
    maxDownload: entry.max_download,
    priority: entry.priority,
    seedRatio: limitFromEntry(entry.seed_ratio),
    seedTimeMs: limitFromEntry(entry.seed_time_seconds, (seconds) => Math.round(seconds * 1000)),
    traffic: trafficFromEntry(entry),
    account: accountFromEntry(entry),
    peers: entry.peers.map((peer) => ({
      peerId: peer.peer_id,
      name: peer.name,
      received: peer.bytes_received,
      sent: peer.bytes_sent,
      distance: peer.distance,
      receivingMs: peer.receiving_ms,
    })),
  };
}
