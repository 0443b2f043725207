import { createServer, type RequestListener, type Server, type ServerResponse } from 'node:http';
import { createServer as createTlsServer, type ServerOptions } from 'node:https';
import type { AddressInfo, Socket } from 'node:net';
import { TLSSocket } from 'node:tls';
import { messageOf } from '@enjambre/core/error';
import { formatAddress, type TcpAddress } from '../config/address.js';
import { cannotListen } from '../config/cannot-listen.js';
import { listenAnywhere } from '../config/listen-anywhere.js';
import type { Health } from '../health/health.js';
import type { Startable } from '../lifecycle/lifecycle.js';
import type { Logger } from '../log/logger.js';
import type { ProgramTls } from '../trust/program-tls.js';
import { identityOf, problemOfTime } from '../trust/tls-material.js';
import type { Metrics } from './metrics.js';

export interface MonitorServerComponents {
  readonly metrics: Metrics;
  /** Of each service in this process. */
  readonly health: readonly Health[];
  readonly log: Logger;
  /** With it, clients need a certificate of the network. @default plaintext */
  readonly tls?: MonitorTls | undefined;
}

/** The certificate of the program, and what has been revoked. */
export type MonitorTls = Pick<ProgramTls, 'current' | 'onChange' | 'revocations'>;

export interface MonitorServerInit {
  /** Port 0 picks a free one. */
  readonly listen: TcpAddress;
}

/** Bounds of a request and of the server: monitoring needs no more. */
const ASK_TIMEOUT_MS = 10_000;
const MAX_CONNECTIONS = 64;
const SETTING = 'metrics';

/**
 * HTTP endpoints for monitoring: `/metrics` for Prometheus, `/healthz` while the process lives, `/readyz`
 * with 200 while it can do its work, else 503, and with the problems.
 */
export class MonitorServer implements Startable {
  readonly #parts: MonitorServerComponents;
  readonly #init: MonitorServerInit;
  #server: Server | undefined;

  constructor(parts: MonitorServerComponents, init: MonitorServerInit) {
    this.#parts = parts;
    this.#init = init;
  }

  /** Throws `unavailable`, PORT_IN_USE or CANNOT_LISTEN. */
  async start(): Promise<void> {
    const { listen } = this.#init;
    const { tls } = this.#parts;
    const server = this.#make(({ method, url = '/', socket }, response) => {
      const problem = tls && problemOf(tls, socket);
      if (problem !== undefined) send(response, 403, `${problem}\n`);
      else if (method === 'GET' || method === 'HEAD') this.#answer(url, response);
      else send(response, 405, 'only GET is allowed\n');
    });
    server.maxConnections = MAX_CONNECTIONS;
    const bound = await listenAnywhere(listen, (at) => bind(server, at)).catch((error: unknown) => {
      throw cannotListen(listen, error, SETTING);
    });
    this.#server = server;
    const metrics = formatAddress(bound);
    this.#parts.log.info({ metrics }, `metrics and health at ${tls ? 'https' : 'http'}://${metrics}`);
  }

  #make(answer: RequestListener): Server {
    const { tls } = this.#parts;
    const limits = { requestTimeout: ASK_TIMEOUT_MS, headersTimeout: ASK_TIMEOUT_MS };
    if (!tls) return createServer(limits, answer);
    const server = createTlsServer(
      { ...limits, ...secretsOf(tls), handshakeTimeout: ASK_TIMEOUT_MS },
      answer,
    );
    tls.onChange(() => server.setSecureContext(secretsOf(tls)));
    return server;
  }

  async stop(): Promise<void> {
    const server = this.#server;
    this.#server = undefined;
    if (!server) return;
    const closed = new Promise<void>((resolve) => server.close(() => resolve()));
    server.closeAllConnections();
    await closed;
  }

  #answer(url: string, response: ServerResponse): void {
    switch (url.split('?', 1)[0]) {
      case '/metrics':
        return void this.#page(response);
      case '/healthz':
        return send(response, 200, 'alive\n');
      case '/readyz':
        return this.#readiness(response);
      default:
        return send(response, 404, 'not found: use /metrics, /healthz or /readyz\n');
    }
  }

  async #page(response: ServerResponse): Promise<void> {
    const { metrics, log } = this.#parts;
    try {
      const page = await metrics.page();
      send(response, 200, page, metrics.contentType);
    } catch (error) {
      log.error({ err: error }, 'the metrics could not be read');
      send(response, 500, 'the metrics could not be read: see the log\n');
    }
  }

  #readiness(response: ServerResponse): void {
    const reports = this.#parts.health.map((health) => health.report());
    const ready = reports.every((report) => report.ready);
    const checks = Object.assign({}, ...reports.map((report) => report.checks)) as object;
    const reasons = reports.flatMap((report) => report.reasons);
    const state = !ready ? 'not ready' : reasons.length > 0 ? 'degraded' : 'ready';
    send(response, ready ? 200 : 503, `${JSON.stringify({ state, reasons, checks })}\n`, 'application/json');
  }
}

/** TLS 1.3; a client without a certificate of the network does not get through the handshake. */
function secretsOf({ current: { ca, cert, key } }: MonitorTls): ServerOptions {
  return { ca, cert, key, minVersion: 'TLSv1.3', requestCert: true, rejectUnauthorized: true };
}

/** Why a client may not read the pages; undefined if it may. The CA may sign for others than members as well. */
function problemOf({ current, revocations }: MonitorTls, socket: Socket): string | undefined {
  const certificate = socket instanceof TLSSocket ? socket.getPeerX509Certificate() : undefined;
  if (!certificate) return 'this connection has no certificate';
  const late = problemOfTime(certificate, Date.now());
  if (late !== undefined) return `your certificate ${late}`;
  try {
    const { network, peerId } = identityOf(certificate);
    const own = current.identity.network;
    if (network !== own) return `your certificate is for the network ${network}, not ${own}`;
    return revocations.revokedAt(certificate, peerId) && 'this certificate was revoked';
  } catch (error) {
    return `your certificate cannot be used: ${messageOf(error)}`;
  }
}

async function bind(server: Server, at: TcpAddress): Promise<TcpAddress> {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(at.port, at.host, () => {
      server.off('error', reject);
      resolve();
    });
  });
  return { ...at, port: (server.address() as AddressInfo).port };
}

function send(response: ServerResponse, status: number, text: string, type = 'text/plain'): void {
  const body = Buffer.from(text);
  response.writeHead(status, { 'content-type': type, 'content-length': body.length });
  response.end(body);
}
