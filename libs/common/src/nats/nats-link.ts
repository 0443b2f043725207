import { EnjambreError, messageOf } from '@enjambre/core/error';
import { connect, ErrorCode, Events, NatsError, type Authenticator, type NatsConnection } from 'nats';
import { z } from 'zod';
import { sleep } from '../async/sleep.js';
import { flagName } from '../config/options.js';
import { errnoOf, systemErrorText } from '../system-error.js';
import { natsAuthenticator } from './nats-creds.js';
import type { NatsFiles } from './nats-options.js';
import { certificateProblem, natsTls, type NatsTls } from './nats-tls.js';
import { quickestFirst } from './quickest-first.js';
import type { Startable } from '../lifecycle/lifecycle.js';
import type { Logger } from '../log/logger.js';

export interface NatsLinkComponents {
  readonly log: Logger;
}

export interface NatsLinkInit {
  /**
   * "nats://host:port", or "tls://host:port" to require TLS, with user:password@ or token@ before the host if
   * the server requires it; several are separated by commas.
   */
  readonly url: string;
  /** Files for TLS and credentials; a CA or a client certificate requires TLS, as tls:// does. @default none */
  readonly files?: NatsFiles;
  /** Name of this connection in the server's monitoring. */
  readonly name: string;
}

/** How a connection proves itself, and what the server must prove. */
interface NatsSecurity {
  readonly tls?: NatsTls;
  readonly authenticator?: Authenticator;
}

/** The start waits this long for the first connection, then continues without it. */
const START_WAIT_MS = 2000;
const RECONNECT_WAIT_MS = 250;
const PING_INTERVAL_MS = 5000;
/** The connection counts as lost after this number of unanswered pings in a row. */
const MAX_PINGS_OUT = 2;

/**
 * The single connection of a service to NATS. The service survives its loss: users check {@link connected},
 * and are notified when the connection is back.
 */
export class NatsLink implements Startable {
  readonly #listeners = new Set<(connection: NatsConnection) => void>();
  #connection: NatsConnection | undefined;
  #connected = false;
  /** Why NATS could not be reached; empty if unknown. */
  #why = '';
  #toldAway = false;
  readonly #stopping = new AbortController();

  constructor(
    private readonly parts: NatsLinkComponents,
    private readonly init: NatsLinkInit,
  ) {}

  /** True while the server is reachable. */
  get connected(): boolean {
    return this.#connected;
  }

  /** Throws `unavailable`, NATS_UNREACHABLE, without a connection. */
  get connection(): NatsConnection {
    if (this.#connection && this.#connected) return this.#connection;
    throw new EnjambreError(
      'unavailable',
      'NATS_UNREACHABLE',
      `NATS at ${this.#server} is unreachable: try again`,
    );
  }

  /**
   * Calls `listener` each time a connection is established, and at once if there is one. Returns a function
   * that removes it.
   */
  onConnected(listener: (connection: NatsConnection) => void): () => void {
    this.#listeners.add(listener);
    if (this.#connection && this.#connected) listener(this.#connection);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Resolves when connected, or after two seconds; it then keeps retrying in the background. Throws
   * `precondition`, BAD_NATS_CA, BAD_NATS_CERT or BAD_NATS_CREDS.
   */
  async start(): Promise<void> {
    const address = parseNatsUrl(this.init.url);
    const { files = {} } = this.init;
    const tls = await natsTls(address.servers, files);
    const authenticator = files.natsCreds === undefined ? undefined : natsAuthenticator(files.natsCreds);
    const late = sleep(START_WAIT_MS, this.#stopping.signal).then((waited) => {
      if (waited && !this.connected) this.#tellAway();
    });
    const security = { ...(tls && { tls }), ...(authenticator && { authenticator }) };
    await Promise.race([this.#connect(address, security), late]);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#connected = false;
    await this.#connection?.close();
  }

  /** The first connection; the client handles reconnections. */
  async #connect({ servers, ...credentials }: NatsAddress, security: NatsSecurity): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        const connection = await connect({
          servers: [...(await quickestFirst(servers, signal))],
          noRandomize: true,
          ...credentials,
          // A server without TLS is refused before anything is sent to it.
          ...security,
          name: this.init.name,
          timeout: START_WAIT_MS,
          maxReconnectAttempts: -1,
          reconnectTimeWait: RECONNECT_WAIT_MS,
          pingInterval: PING_INTERVAL_MS,
          maxPingOut: MAX_PINGS_OUT,
        });
        await this.#opened(connection);
        return;
      } catch (error) {
        this.#failed(error);
        await sleep(RECONNECT_WAIT_MS, signal);
      }
    }
  }

  /** Logs each cause once, and the first one only after the start has waited for a connection. */
  #failed(error: unknown): void {
    const why = whyOf(error);
    if (why === this.#why) return;
    this.#why = why;
    if (this.#toldAway) this.#tellAway();
  }

  async #opened(connection: NatsConnection): Promise<void> {
    if (this.#stopping.signal.aborted) return connection.close();
    this.#connection = connection;
    void this.#follow(connection);
    this.#up(connection);
  }

  async #follow(connection: NatsConnection): Promise<void> {
    for await (const { type } of connection.status()) {
      if (type === Events.Disconnect) this.#down();
      else if (type === Events.Reconnect) this.#up(connection);
    }
  }

  #up(connection: NatsConnection): void {
    if (this.#stopping.signal.aborted) return;
    this.#connected = true;
    this.#why = '';
    this.#toldAway = false;
    this.parts.log.info({ nats: connection.getServer() }, `connected to NATS at ${connection.getServer()}`);
    for (const listener of [...this.#listeners]) listener(connection);
  }

  #down(): void {
    if (this.#stopping.signal.aborted || !this.#connected) return;
    this.#connected = false;
    this.#tellAway();
  }

  #tellAway(): void {
    this.#toldAway = true;
    const why = this.#why === '' ? '' : ` (${this.#why})`;
    this.parts.log.warn(`NATS at ${this.#server} is unreachable${why}: continuing without it, and retrying`);
  }

  /** Addresses without credentials. */
  get #server(): string {
    return parseNatsUrl(this.init.url).servers.join(',');
  }
}

function whyOf(error: unknown): string {
  if (error instanceof NatsError && REFUSALS.has(error.code)) {
    return `it refused the connection, ${messageOf(error).toLowerCase().replaceAll("'", '')}: check user and password in ${flagName('nats')}, or ${flagName('natsCreds')} and ${flagName('natsCert')}`;
  }
  if (error instanceof NatsError && UNREACHED.has(error.code)) return 'no server listens there';
  if (error instanceof NatsError && error.code === NO_TLS)
    return 'it offers no TLS, and nothing was sent to it: set up TLS there, or write nats:// to connect without it';
  const certificate = certificateProblem(errnoOf(error), messageOf(error));
  if (certificate !== undefined) return certificate;
  const [, code, rest = ''] = /\b(E[A-Z]{3,})\b(.*)/.exec(messageOf(error)) ?? [];
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'no such host';
  return code === undefined
    ? systemErrorText(error)
    : code === 'ECONNREFUSED'
      ? 'no server listens there'
      : code + rest;
}

/** Error codes of a server that rejects the credentials. */
const REFUSALS: ReadonlySet<string> = new Set([
  ErrorCode.AuthorizationViolation,
  ErrorCode.AuthenticationExpired,
  ErrorCode.BadAuthentication,
]);

const NO_TLS: string = ErrorCode.ServerOptionNotAvailable;
const UNREACHED: ReadonlySet<string> = new Set([ErrorCode.ConnectionRefused]);

interface NatsAddress {
  readonly servers: string[];
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
}

/** Parses the value of `--nats`. Throws `invalid`, BAD_NATS_URL. */
export function parseNatsUrl(url: string): NatsAddress {
  const parsed = url.split(',').map((text) => parseOne(text.trim()));
  const withCredentials = parsed.find(({ username }) => username !== '');
  const user = decodeURIComponent(withCredentials?.username ?? '');
  const pass = decodeURIComponent(withCredentials?.password ?? '');
  return {
    servers: parsed.map(({ protocol, host }) => `${protocol}//${host}`),
    ...(user !== '' && (pass === '' ? { token: user } : { user, pass })),
  };
}

/** The text form of {@link parseNatsUrl}'s addresses. */
export const natsUrlSchema = z.string().superRefine((url, context) => {
  try {
    parseNatsUrl(url);
  } catch (error) {
    context.addIssue({ code: 'custom', message: messageOf(error) });
  }
});

function parseOne(text: string): URL {
  const full = /^[a-z]+:\/\//i.test(text) ? text : `nats://${text}`;
  const parsed = URL.canParse(full) ? new URL(full) : undefined;
  if (parsed && ['nats:', 'tls:'].includes(parsed.protocol) && parsed.hostname !== '') return parsed;
  throw new EnjambreError(
    'invalid',
    'BAD_NATS_URL',
    `"${text}" is not a NATS address: write nats://HOST:PORT, or tls://HOST:PORT`,
  );
}
