import { EnjambreError } from '@enjambre/core/error';
import { HandlerFactory, type CallContext } from '@enjambre/rpc/handlers';
import type { ServedService } from '@enjambre/rpc/server';
import type { Logger } from '@enjambre/common/log/logger';
import {
  AgentServiceService,
  TrackerState,
  type AgentServiceServer,
  type DownloadRequest,
  type DownloadResponse,
  type GetInfoResponse,
  type ShareRequest,
  type WatchTransferRequest,
  type WatchTransferResponse,
} from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import type { Bans } from '../../app/agent/bans.js';
import type { AgentLimits } from '../../app/agent/limits.js';
import type { Locality } from '../../app/agent/locality.js';
import type { Messages } from '../../app/messages/messages.js';
import type { Transfer } from '../../app/transfer/transfer.js';
import type { Transfers } from '../../app/transfer/transfers.js';
import type { RelayLink } from '../messaging/relay-link.js';
import type { TrackerLink } from '../tracker/tracker-link.js';
import { banHandlers } from './ban-handlers.js';
import { millisecondsOf, trafficToWire, transferToWire } from './convert.js';
import { deletionToWire } from './convert-deletion.js';
import { explanationToWire } from './convert-explanation.js';
import { agentLimitsToWire, limitChangeFromWire, limitHandlers } from './limit-handlers.js';
import { messagingService } from './message-handlers.js';
import { networkHandlers } from './network-handlers.js';
import { share } from './share-handler.js';
import { sourceOf } from './source.js';
import { listContents } from './contents-handler.js';
import { checkWithin, type RemoteRoots } from './remote-roots.js';
import { TokenCheck } from './token-check.js';
import { ChangeSignal } from './signals.js';
import type { Clock } from '@enjambre/common/async/clock';

/** The agent's own part of GetInfo. */
export type AgentInfo = Pick<
  GetInfoResponse,
  'id' | 'name' | 'version' | 'listen' | 'dataDir' | 'downloadDir' | 'startedAt'
>;

export interface AgentHandlersComponents {
  readonly clock: Clock;
  readonly transfers: Transfers;
  readonly limits: AgentLimits;
  readonly locality: Locality;
  readonly bans: Bans;
  readonly messages: Messages;
  readonly tracker: TrackerLink;
  /** Absent if the agent has no messaging service. */
  readonly relay: RelayLink | undefined;
  readonly facts: () => AgentInfo;
  readonly log: Logger;
}

export interface AgentHandlersInit {
  /** If set, calls must carry it as "authorization: Bearer TOKEN". */
  readonly token?: string;
  /** @default no bounds */
  readonly roots?: RemoteRoots;
}

const DEFAULT_INTERVAL_MS = 500;
const MIN_INTERVAL_MS = 50;

/** The control API, used by the command line and by grpcurl. */
export function controlServices(
  components: AgentHandlersComponents,
  { token, roots = {} }: AgentHandlersInit = {},
): ServedService[] {
  const authorize = token === undefined ? undefined : new TokenCheck(components, token).authorize;
  const { messages, log } = components;
  const handlers = new HandlerFactory({ domain: 'enjambre.agent', log, ...(authorize && { authorize }) });
  return [agentService(components, handlers, roots), messagingService(messages, handlers)];
}

function agentService(
  components: AgentHandlersComponents,
  handlers: HandlerFactory,
  roots: RemoteRoots,
): ServedService {
  const { transfers } = components;
  const changing = (act: (transfer: Transfer) => Promise<void>) =>
    handlers.unary(async ({ ref }: { ref: string }) => {
      const transfer = transfers.get(ref);
      await act(transfer);
      await transfers.save(transfer);
      return { transfer: transferToWire(transfer.view()) };
    });
  const implementation: AgentServiceServer = {
    getInfo: handlers.unary(() => info(components)),
    share: handlers.serverStream(async function* (request: ShareRequest, context) {
      await checkWithin(request.path, roots.share, 'share from');
      yield* share(transfers, request, context, roots.share);
    }),
    download: handlers.unary(async (request) => {
      if (request.outputDir !== '') await checkWithin(request.outputDir, roots.output, 'download to');
      return download(transfers, request);
    }),
    listContents: handlers.serverStream((request, context) =>
      listContents(transfers.contents, request, context),
    ),
    listTransfers: handlers.unary(() => ({
      transfers: transfers.list().map((transfer) => transferToWire(transfer.view())),
    })),
    getTransfer: handlers.unary(({ ref }) => ({ transfer: transferToWire(transfers.get(ref).view()) })),
    explainTransfer: handlers.unary(({ ref }) => ({
      explanation: explanationToWire(transfers.get(ref).view()),
    })),
    watchTransfer: handlers.serverStream((request, context) => watch(transfers, request, context)),
    pauseTransfer: changing((transfer) => transfer.pause()),
    resumeTransfer: changing((transfer) => transfer.resume()),
    verifyTransfer: changing((transfer) => transfer.verify()),
    removeTransfer: handlers.unary(async ({ ref, deleteData, force }) => {
      if (force && !deleteData) throw forceWithoutData();
      const transfer = transfers.get(ref);
      const last = transferToWire(transfer.view());
      return { transfer: last, ...deletionToWire(await transfers.remove(transfer, deleteData, force)) };
    }),
    ...networkHandlers({ ...components, network: components.tracker.network }, handlers),
    ...banHandlers(components.bans, handlers),
    ...limitHandlers(components, handlers),
  };
  return { name: 'enjambre.agent.v1.AgentService', definition: AgentServiceService, implementation };
}

function forceWithoutData(): EnjambreError {
  const message = 'force only affects which files are deleted: set delete_data as well';
  return new EnjambreError('invalid', 'FORCE_WITHOUT_DATA', message);
}

function info({
  facts,
  limits,
  locality,
  tracker,
  messages,
  relay,
}: AgentHandlersComponents): GetInfoResponse {
  return {
    ...facts(),
    ...agentLimitsToWire(limits),
    traffic: trafficToWire(locality.traffic.record),
    messaging: relay?.address ?? '',
    messagingError: relay?.problem ?? '',
    unreadMessageCount: messages.unread,
    endpoint: tracker.endpoint,
    endpoints: [...tracker.endpoints],
    unreachable: tracker.unreachable,
    refusedEndpoints: tracker.refusedEndpoints.map(({ endpoint }) => endpoint),
    tracker: tracker.address,
    trackerState: tracker.connected ? TrackerState.CONNECTED : TrackerState.CONNECTING,
    trackerError: tracker.problem,
    trackerVersion: tracker.version,
    messagingVersion: relay?.version ?? '',
    processId: process.pid,
    time: new Date(),
  };
}

async function download(
  transfers: Transfers,
  { source, limits, ...options }: DownloadRequest,
): Promise<DownloadResponse> {
  const wanted = { ...options, limits: limitChangeFromWire(limits) };
  const { transfer, already } = await transfers.download(sourceOf(source), wanted);
  return { transfer: transferToWire(transfer.view()), alreadyComplete: already };
}

async function* watch(
  transfers: Transfers,
  { ref, interval }: WatchTransferRequest,
  { signal }: CallContext,
): AsyncGenerator<WatchTransferResponse> {
  const transfer = transfers.get(ref);
  const intervalMs = Math.max(MIN_INTERVAL_MS, millisecondsOf(interval, DEFAULT_INTERVAL_MS));
  const changes = new ChangeSignal();
  const end = transfers.watch(transfer.infohash, () => {
    changes.notify();
  });
  try {
    while (!signal.aborted && transfers.has(transfer)) {
      yield { transfer: transferToWire(transfer.view()) };
      await changes.next(intervalMs, signal);
    }
  } finally {
    end();
  }
}
