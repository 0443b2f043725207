import { parseInfoHash, parsePeerId } from '@enjambre/core/ids';
import { z } from 'zod';
import { NO_LIMITS } from '../../domain/limits/limit-settings.js';
import type { TransferRecord } from '../../domain/transfer-record.js';

const VERSION = 1;
const count = z.number().int().min(0);
const time = z.iso.datetime({ offset: true });

const peerSchema = z.object({
  peer_id: z.string().transform((text) => parsePeerId(text)),
  name: z.string(),
  bytes_received: count,
  bytes_sent: count,
});

const transferSchema = z.object({
  infohash: z.string().transform((text) => parseInfoHash(text)),
  name: z.string(),
  goal: z.enum(['run', 'pause', 'failed']),
  reason: z.string().default(''),
  origin: z.boolean(),
  location: z.string().min(1),
  complete: z.boolean(),
  in_place: z.boolean(),
  fingerprint: z.string().default(''),
  bytes_total: count,
  bytes_done: count,
  bytes_downloaded: count.default(0),
  bytes_uploaded: count.default(0),
  bytes_wasted: count.default(0),
  added_at: time,
  completed_at: time.nullable().default(null),
  active_seconds: z.number().min(0).default(0),
  max_upload: count.default(NO_LIMITS.maxUpload),
  max_download: count.default(NO_LIMITS.maxDownload),
  priority: z.enum(['high', 'normal', 'low']).default(NO_LIMITS.priority),
  peers: z.array(peerSchema).default([]),
});

const fileSchema = z.object({ version: z.literal(VERSION), transfers: z.array(transferSchema) });

type FileEntry = z.input<typeof transferSchema>;

/** The text of `download_status.json`: all transfers, for people as well as for the next start. */
export function writeStatus(records: readonly TransferRecord[]): string {
  return `${JSON.stringify({ version: VERSION, transfers: records.map(toEntry) }, null, 2)}\n`;
}

/** Reads what {@link writeStatus} wrote. Throws with the reason if it is torn or not ours. */
export function readStatus(text: string): TransferRecord[] {
  const parsed = fileSchema.safeParse(JSON.parse(text));
  if (parsed.success) return parsed.data.transfers.map(fromEntry);
  const [issue] = parsed.error.issues;
  throw new Error(`${issue?.path.join('.') ?? ''}: ${issue?.message ?? 'not understood'}`);
}

function toEntry(record: TransferRecord): FileEntry {
  return {
    infohash: record.infohash,
    name: record.name,
    goal: record.goal,
    reason: record.reason,
    origin: record.origin,
    location: record.location,
    complete: record.complete,
    in_place: record.inPlace,
    fingerprint: record.fingerprint,
    bytes_total: record.bytesTotal,
    bytes_done: record.bytesDone,
    bytes_downloaded: record.bytesDownloaded,
    bytes_uploaded: record.bytesUploaded,
    bytes_wasted: record.bytesWasted,
    added_at: new Date(record.addedAtMs).toISOString(),
    completed_at: record.completedAtMs === 0 ? null : new Date(record.completedAtMs).toISOString(),
    active_seconds: Math.round(record.activeMs) / 1000,
    max_upload: record.maxUpload,
    max_download: record.maxDownload,
    priority: record.priority,
    peers: record.peers.map(({ peerId, name, received, sent }) => ({
      peer_id: peerId,
      name,
      bytes_received: received,
      bytes_sent: sent,
    })),
  };
}

function fromEntry(entry: z.output<typeof transferSchema>): TransferRecord {
  return {
    infohash: entry.infohash,
    name: entry.name,
    goal: entry.goal,
    reason: entry.reason,
    origin: entry.origin,
    location: entry.location,
    complete: entry.complete,
    inPlace: entry.in_place,
    fingerprint: entry.fingerprint,
    bytesTotal: entry.bytes_total,
    bytesDone: entry.bytes_done,
    bytesDownloaded: entry.bytes_downloaded,
    bytesUploaded: entry.bytes_uploaded,
    bytesWasted: entry.bytes_wasted,
    addedAtMs: Date.parse(entry.added_at),
    completedAtMs: entry.completed_at === null ? 0 : Date.parse(entry.completed_at),
    activeMs: entry.active_seconds * 1000,
    maxUpload: entry.max_upload,
    maxDownload: entry.max_download,
    priority: entry.priority,
    peers: entry.peers.map((peer) => ({
      peerId: peer.peer_id,
      name: peer.name,
      received: peer.bytes_received,
      sent: peer.bytes_sent,
    })),
  };
}
