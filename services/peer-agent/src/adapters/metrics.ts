import type { Metrics, Sample } from '@enjambre/common/metrics/metrics';
import type { AgentLimits } from '../app/agent/limits.js';
import type { Locality } from '../app/agent/locality.js';
import type { Meter } from '../app/agent/meter.js';
import type { Transfer } from '../app/transfer/transfer.js';
import type { TransferState } from '../app/transfer/transfer-view.js';
import type { BytesByDistance } from '../domain/traffic.js';
import type { DiskPool } from './disk/disk-pool.js';
import type { UploadLoad } from './peer/server/peer-handlers.js';

const PREFIX = 'enjambre_agent_';
const STATES: readonly TransferState[] = [
  'resolving',
  'checking',
  'downloading',
  'seeding',
  'missing',
  'paused',
  'finished',
  'failed',
];
/** In seconds. */
const PIECE_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const SYNC_BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60];

export interface MeasuredAgent {
  readonly meter: Meter;
  readonly locality: Pick<Locality, 'traffic'>;
  readonly transfers: { all(): Iterable<Pick<Transfer, 'state' | 'linkCounts'>> };
  readonly uploadLoad: () => UploadLoad;
  readonly pool: Pick<DiskPool, 'load'>;
  readonly room: { readonly free: ReadonlyMap<string, number> };
  readonly budget: { readonly outstandingBytes: number };
  readonly limits: Pick<AgentLimits, 'settings'>;
  readonly bans: { readonly count: number; list(): readonly unknown[] };
  readonly messages: { readonly unread: number };
  readonly tracker: { readonly connected: boolean };
}

/** Registers all metrics of an agent except those of its calls. */
export function measureAgent(metrics: Metrics, agent: MeasuredAgent): void {
  measureTraffic(metrics, agent);
  measureSwarms(metrics, agent);
  measureDisk(metrics, agent);
}

function measureTraffic(
  metrics: Metrics,
  { meter, locality, uploadLoad, budget, limits }: MeasuredAgent,
): void {
  metrics.counter(
    {
      name: `${PREFIX}received_bytes_total`,
      help: 'File bytes received and kept, by kind and distance of the source.',
      labels: ['source', 'distance'],
    },
    () => Array.from(meter.received, ([key, bytes]) => [labelsOf(key), bytes] as const),
  );
  metrics.counter(
    {
      name: `${PREFIX}sent_bytes_total`,
      help: 'File bytes sent, by distance of the receiver.',
      labels: ['distance'],
    },
    () => present(locality.traffic.record.sent),
  );
  const counter = counterOf(metrics);
  const gauge = gaugeOf(metrics);
  counter('repeated_bytes_total', 'Bytes received that were already present.', () => meter.repeatedBytes);
  counter('spoilt_bytes_total', 'Bytes received that failed verification.', () => meter.spoiltBytes);
  counter('pieces_verified_total', 'Pieces that passed verification.', () => meter.piecesVerified);
  counter('verification_failures_total', 'Pieces that failed verification.', () => meter.piecesFailed);
  const pieces = metrics.histogram({
    name: `${PREFIX}piece_seconds`,
    help: 'Time from the first request of a piece to its verification.',
    buckets: PIECE_BUCKETS,
  });
  meter.pieceTimes = { observe: (seconds) => pieces.observe({}, seconds) };
  gauge('requested_bytes', 'Bytes requested and not yet on disk.', () => budget.outstandingBytes);
  gauge('upload_streams', 'Open Fetch streams of downloaders.', () => uploadLoad().streams);
  gauge(
    'upload_queue_requests',
    'Requests of downloaders that wait for their turn.',
    () => uploadLoad().waiting,
  );
  gauge('upload_busy_bytes', 'Bytes being read for or sent to downloaders.', () => uploadLoad().bytes);
  metrics.gauge(
    {
      name: `${PREFIX}limit_bytes_per_second`,
      help: 'Rate limit of the agent; 0 if unlimited.',
      labels: ['direction'],
    },
    () => {
      const { maxUpload, maxDownload } = limits.settings;
      return [
        [{ direction: 'upload' }, maxUpload],
        [{ direction: 'download' }, maxDownload],
      ];
    },
  );
}

function measureSwarms(metrics: Metrics, { meter, transfers, bans, messages, tracker }: MeasuredAgent): void {
  metrics.gauge(
    {
      name: `${PREFIX}transfers`,
      help: 'Transfers, by state.',
      labels: ['state'],
    },
    () => byState(transfers.all()),
  );
  metrics.gauge(
    {
      name: `${PREFIX}swarm_peers`,
      help: 'Peers of active downloads, known or linked; counted once per download.',
      labels: ['kind'],
    },
    () => {
      const counts = Array.from(transfers.all(), ({ linkCounts }) => linkCounts ?? []).flat();
      const sum = (kind: 'known' | 'ready'): number => counts.reduce((all, each) => all + each[kind], 0);
      return [
        [{ kind: 'known' }, sum('known')],
        [{ kind: 'linked' }, sum('ready')],
      ];
    },
  );
  const gauge = gaugeOf(metrics);
  const counter = counterOf(metrics);
  gauge(
    'connected_peers',
    'Peers being downloaded from or uploaded to; counted once per transfer.',
    () => meter.connectedPeers,
  );
  gauge('banned_peers', 'Peers currently banned.', () => bans.list().length);
  counter('bans_total', 'Peers banned.', () => bans.count);
  gauge('unread_messages', 'Unread messages.', () => messages.unread);
  gauge('tracker_connected', '1 if connected to a tracker, otherwise 0.', () => Number(tracker.connected));
}

function measureDisk(metrics: Metrics, { meter, pool, room }: MeasuredAgent): void {
  const gauge = gaugeOf(metrics);
  counterOf(metrics)('disk_written_bytes_total', 'Block bytes written to disk.', () => pool.load.written);
  gauge(
    'disk_queue_jobs',
    'Blocks to write and pieces to hash, queued or in progress.',
    () => pool.load.jobs,
  );
  gauge('disk_queue_bytes', 'Bytes of the queued and running disk jobs.', () => pool.load.bytes);
  const syncs = metrics.histogram({
    name: `${PREFIX}disk_sync_seconds`,
    help: 'Duration of disk syncs.',
    buckets: SYNC_BUCKETS,
  });
  meter.syncTimes = { observe: (seconds) => syncs.observe({}, seconds) };
  metrics.gauge(
    { name: `${PREFIX}disk_free_bytes`, help: 'Free disk space, by folder.', labels: ['folder'] },
    () => Array.from(room.free, ([folder, bytes]) => [{ folder }, bytes] as const),
  );
  metrics.counter(
    {
      name: `${PREFIX}transfer_failures_total`,
      help: 'Transfers stopped by an error, by reason: DISK_FULL, READ_ONLY and so on, or OTHER.',
      labels: ['reason'],
    },
    () => Array.from(meter.failures, ([reason, count]) => [{ reason }, count] as const),
  );
}

type Add = (name: string, help: string, read: () => number) => void;

function gaugeOf(metrics: Metrics): Add {
  return (name, help, read) => metrics.gauge({ name: PREFIX + name, help }, read);
}

function counterOf(metrics: Metrics): Add {
  return (name, help, read) => metrics.counter({ name: PREFIX + name, help }, read);
}

function labelsOf(key: string): { source: string; distance: string } {
  const [source = '', distance = ''] = key.split(' ');
  return { source, distance };
}

/** Omits distances without any bytes. */
function present(bytes: BytesByDistance): Sample[] {
  return Object.entries(bytes).flatMap(([distance, count]) =>
    count > 0 ? [[{ distance }, count] as const] : [],
  );
}

function byState(transfers: Iterable<Pick<Transfer, 'state'>>): Sample[] {
  const counts = new Map<string, number>(STATES.map((state) => [state, 0]));
  for (const { state } of transfers) counts.set(state, (counts.get(state) ?? 0) + 1);
  return Array.from(counts, ([state, count]) => [{ state }, count] as const);
}
