import { join } from 'node:path';
import { parseAddress } from '@enjambre/common/config/address';
import type { Logger } from '@enjambre/common/log/logger';
import type { Metrics } from '@enjambre/common/metrics/metrics';
import type { Credentials } from '@enjambre/rpc/credentials';
import { SERVICE_LIMITS, type ServerLimits } from '@enjambre/rpc/gate/limits';
import { GrpcServer, type ServedService } from '@enjambre/rpc/server';
import { controlServices, type AgentHandlersComponents } from './adapters/control/agent-handlers.js';
import { MAX_MESSAGE_BYTES } from './adapters/peer/wire-constants.js';
import { loadControlToken } from './adapters/state/secrets.js';
import type { AgentConfig } from './config.js';

interface Serving {
  readonly config: AgentConfig;
  readonly credentials: Credentials;
  readonly log: Logger;
  readonly metrics: Metrics | undefined;
}

/**
 * Each agent has two connections to another: one with a Sync stream for each file, one with a Fetch stream for each. It
 * may have 250 files at a time, more wait and try again. A chunk of metainfo has 256 KiB, and some copies: the answers
 * to one party take up to 32 MiB.
 */
const PEER_LIMITS: ServerLimits = {
  ...SERVICE_LIMITS,
  connections: 4000,
  // A small file costs a downloader three of them.
  connectionsPerSecond: 4000,
  streams: 10_000,
  callsPerSecond: 10_000,
  calls: 1000,
  watches: 200,
  greetings: 2500,
};
/** Over TCP: commands and consoles of a few people. A command may take long. */
const CONTROL_LIMITS: ServerLimits = {
  ...SERVICE_LIMITS,
  connections: 500,
  connectionsPerSecond: 200,
  streams: 2000,
  callsPerSecond: 1000,
  calls: 1000,
  watches: 1000,
  greetings: 100,
  callMs: Infinity,
};

/** A .torrent of 64 MiB, sent to start a download, and some room; over the socket, which only its owner can reach. */
const MAX_SOCKET_BYTES = 65 << 20;
/**
 * Over TCP a message is received before its token is checked: larger .torrents must be fetched by their magnet link.
 */
const MAX_CONTROL_BYTES = 11 << 20;
/** Enough for watchers of a transfer to receive the end of the call; calls that change something are quick. */
const CONTROL_GRACE_MS = 500;

/** The server for other agents. */
export function peerServer({ config, ...serving }: Serving, service: ServedService): GrpcServer {
  return new GrpcServer({
    ...serving,
    listen: config.listen,
    services: [service],
    maxReceiveBytes: MAX_MESSAGE_BYTES,
    limits: PEER_LIMITS,
    budgetPercent: config.addressBudget,
  });
}

/** The servers for commands: the socket always; also TCP, guarded by a token, if configured. */
export async function controlServers(
  { config, ...serving }: Serving,
  components: AgentHandlersComponents,
): Promise<GrpcServer[]> {
  const { control, dataDir, shareRoot, outputRoot, addressBudget: budgetPercent } = config;
  const listen = control?.kind === 'unix' ? control : parseAddress(`unix:${join(dataDir, 'agent.sock')}`);
  const common = { ...serving, listenSetting: 'control', graceMs: CONTROL_GRACE_MS };
  const services = controlServices(components);
  const servers = [new GrpcServer({ ...common, listen, services, maxReceiveBytes: MAX_SOCKET_BYTES })];
  if (control?.kind === 'tcp') {
    const token = await loadControlToken(dataDir);
    const guarded = controlServices(components, { token, roots: { share: shareRoot, output: outputRoot } });
    const allowed = { limits: CONTROL_LIMITS, budgetPercent, maxReceiveBytes: MAX_CONTROL_BYTES };
    servers.push(new GrpcServer({ ...common, ...allowed, listen: control, services: guarded }));
  }
  return servers;
}
