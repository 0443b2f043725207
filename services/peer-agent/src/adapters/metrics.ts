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
  'failed',
];
/** In seconds. */
const PIECE_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const SYNC_BUCKETS = [0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60];

export interface MeasuredAgent {
  readonly meter: Meter;
  readonly locality: Pick<Locality, 'traffic'>;
  readonly transfers: { all(): Iterable<Pick<Transfer, 'state' | 'linkCounts'>> };
  readonly uploads: () => UploadLoad;
  readonly pool: Pick<DiskPool, 'load'>;
  readonly room: { readonly free: ReadonlyMap<string, number> };
  readonly budget: { readonly outstandingBytes: number };
  readonly limits: Pick<AgentLimits, 'settings'>;
  readonly bans: { readonly count: number; list(): readonly unknown[] };
  readonly messages: { readonly unread: number };
  readonly tracker: { readonly connected: boolean };
}

/** All that is told of an agent besides its calls. */
export function measureAgent(metrics: Metrics, agent: MeasuredAgent): void {
  measureTraffic(metrics, agent);
  measureSwarms(metrics, agent);
  measureDisk(metrics, agent);
}

function measureTraffic(metrics: Metrics, { meter, locality, uploads, budget, limits }: MeasuredAgent): void {
  metrics.counter(
    {
      name: `${PREFIX}received_bytes_total`,
      help: 'Bytes of files received and kept, by what the sender is and how far away.',
      labels: ['source', 'distance'],
    },
    () => Array.from(meter.received, ([key, bytes]) => [labelsOf(key), bytes] as const),
  );
  metrics.counter(
    {
      name: `${PREFIX}sent_bytes_total`,
      help: 'Bytes of files sent, by how far away the receiver is.',
      labels: ['distance'],
    },
    () => present(locality.traffic.record.sent),
  );
  const counter = counterOf(metrics);
  const gauge = gaugeOf(metrics);
  counter('repeated_bytes_total', 'Bytes received that were there already.', () => meter.repeatedBytes);
  counter('spoilt_bytes_total', 'Bytes received that turned out to be wrong.', () => meter.spoiltBytes);
  counter('pieces_verified_total', 'Pieces whose hashes were right.', () => meter.piecesVerified);
  counter('verification_failures_total', 'Pieces whose hashes were wrong.', () => meter.piecesFailed);
  const pieces = metrics.histogram({
    name: `${PREFIX}piece_seconds`,
    help: 'From the first request of a piece to its verification.',
    buckets: PIECE_BUCKETS,
  });
  meter.pieceTimes = { observe: (seconds) => pieces.observe({}, seconds) };
  gauge('requested_bytes', 'Bytes asked for and not yet on disk.', () => budget.outstandingBytes);
  gauge('upload_streams', 'Streams that others fetch blocks over.', () => uploads().streams);
  gauge('upload_queue_requests', 'Requests of others that wait for their turn.', () => uploads().waiting);
  gauge('upload_busy_bytes', 'Bytes being read or sent to others.', () => uploads().bytes);
  metrics.gauge(
    {
      name: `${PREFIX}limit_bytes_per_second`,
      help: 'How fast the agent may send and receive; 0 is without a limit.',
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
      help: 'Files and folders that the agent has or gets, by state.',
      labels: ['state'],
    },
    () => byState(transfers.all()),
  );
  metrics.gauge(
    {
      name: `${PREFIX}swarm_peers`,
      help: 'Peers of downloads under way that the tracker named or a link stands to, once for each download.',
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
    'Peers that something is fetched from or sent to, once for each transfer.',
    () => meter.connectedPeers,
  );
  gauge('banned_peers', 'Peers that the agent does not deal with.', () => bans.list().length);
  counter('bans_total', 'Peers banned.', () => bans.count);
  gauge('unread_messages', 'Messages received and not read.', () => messages.unread);
  gauge('tracker_connected', '1 while there is a session with a tracker, else 0.', () =>
    Number(tracker.connected),
  );
}

function measureDisk(metrics: Metrics, { meter, pool, room }: MeasuredAgent): void {
  const gauge = gaugeOf(metrics);
  counterOf(metrics)('disk_written_bytes_total', 'Bytes of blocks written.', () => pool.load.written);
  gauge(
    'disk_queue_jobs',
    'Blocks to write and pieces to hash that wait or are being done.',
    () => pool.load.jobs,
  );
  gauge('disk_queue_bytes', 'Bytes of these.', () => pool.load.bytes);
  const syncs = metrics.histogram({
    name: `${PREFIX}disk_sync_seconds`,
    help: 'Until what was written is on the disk itself.',
    buckets: SYNC_BUCKETS,
  });
  meter.syncTimes = { observe: (seconds) => syncs.observe({}, seconds) };
  metrics.gauge(
    { name: `${PREFIX}disk_free_bytes`, help: 'What may still be written, by folder.', labels: ['folder'] },
    () => Array.from(room.free, ([folder, bytes]) => [{ folder }, bytes] as const),
  );
  metrics.counter(
    {
      name: `${PREFIX}transfer_failures_total`,
      help: 'Transfers that stopped with an error, by its reason: DISK_FULL, READ_ONLY and the like, or OTHER.',
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

/** Distances of which there is none are left out. */
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
