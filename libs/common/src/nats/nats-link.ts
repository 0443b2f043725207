import { EnjambreError, messageOf } from '@enjambre/core/error';
import { connect, ErrorCode, Events, NatsError, type NatsConnection } from 'nats';
import { z } from 'zod';
import { sleep } from '../async/sleep.js';
import { flagName } from '../config/options.js';
import { errnoOf, systemErrorText } from '../system-error.js';
import { certificateProblem, natsTls, type NatsTls } from './nats-tls.js';
import { quickestFirst } from './quickest-first.js';
import type { Startable } from '../lifecycle/lifecycle.js';
import type { Logger } from '../log/logger.js';

export interface NatsLinkComponents {
  readonly log: Logger;
}

export interface NatsLinkInit {
  /** "nats://host:port", or "tls://host:port" to demand TLS, with user:password@ or token@ before the host if the server asks for it; several with commas. */
  readonly url: string;
  /** A file with the CAs that may have signed its certificate, in PEM; it demands TLS as tls:// does. @default Node's own CAs */
  readonly caFile?: string | undefined;
  /** What the server's monitoring shows of this connection. */
  readonly name: string;
}

/** A start waits so long for the first connection, then goes on without. */
const START_WAIT_MS = 2000;
const RECONNECT_WAIT_MS = 250;
const PING_INTERVAL_MS = 5000;
/** The connection counts as lost when so many pings in a row were not answered. */
const MAX_PINGS_OUT = 2;

/**
 * The one connection of a service to NATS. It comes and goes, and the service with it
 * does not: whoever uses it asks whether it stands, and is told when it does again.
 */
export class NatsLink implements Startable {
  readonly #listeners = new Set<(connection: NatsConnection) => void>();
  #connection: NatsConnection | undefined;
  #connected = false;
  /** Why it could not be reached; empty if that is not known. */
  #why = '';
  #toldAway = false;
  readonly #stopping = new AbortController();

  constructor(
    private readonly parts: NatsLinkComponents,
    private readonly init: NatsLinkInit,
  ) {}

  /** True while the server can be talked to. */
  get connected(): boolean {
    return this.#connected;
  }

  /** Throws `unavailable`, NATS_UNREACHABLE, while there is none. */
  get connection(): NatsConnection {
    if (this.#connection && this.#connected) return this.#connection;
    throw new EnjambreError('unavailable', 'NATS_UNREACHABLE', `NATS at ${this.#server} is away: try again`);
  }

  /** Calls `listener` each time the connection stands (again), and at once if it does. Returns the end of that. */
  onConnected(listener: (connection: NatsConnection) => void): () => void {
    this.#listeners.add(listener);
    if (this.#connection && this.#connected) listener(this.#connection);
    return () => this.#listeners.delete(listener);
  }

  /**
   * Resolves when the connection stands, or after two seconds without: it is then tried on and on.
   * Throws `precondition`, BAD_NATS_CA.
   */
  async start(): Promise<void> {
    const address = parseNatsUrl(this.init.url);
    const tls = await natsTls({ servers: address.servers, caFile: this.init.caFile });
    const late = sleep(START_WAIT_MS, this.#stopping.signal).then((waited) => {
      if (waited && !this.connected) this.#tellAway();
    });
    await Promise.race([this.#connect(address, tls), late]);
  }

  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#connected = false;
    await this.#connection?.close();
  }

  /** The first connection; later ones are the client's own affair. */
  async #connect({ servers, ...credentials }: NatsAddress, tls: NatsTls | undefined): Promise<void> {
    const { signal } = this.#stopping;
    while (!signal.aborted) {
      try {
        const connection = await connect({
          servers: [...(await quickestFirst(servers, signal))],
          noRandomize: true,
          ...credentials,
          // A server without TLS is refused before anything is said to it.
          ...(tls && { tls }),
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

  /** Each cause is told once, the first not before the start has waited for better news. */
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
    this.parts.log.warn(`NATS at ${this.#server} is away${why}: going on without until it answers`);
  }

  /** Without credentials. */
  get #server(): string {
    return parseNatsUrl(this.init.url).servers.join(',');
  }
}

function whyOf(error: unknown): string {
  if (error instanceof NatsError && REFUSALS.has(error.code)) {
    return `it refuses us, ${messageOf(error).toLowerCase().replaceAll("'", '')}: check user and password in ${flagName('nats')}`;
  }
  if (error instanceof NatsError && UNREACHED.has(error.code)) return 'nobody listens there';
  if (error instanceof NatsError && error.code === NO_TLS)
    return 'it offers no TLS, and nothing was said to it: set up TLS there, or write nats:// to go without';
  const certificate = certificateProblem(errnoOf(error), messageOf(error));
  if (certificate !== undefined) return certificate;
  const [, code, rest = ''] = /\b(E[A-Z]{3,})\b(.*)/.exec(messageOf(error)) ?? [];
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') return 'no such host';
  return code === undefined
    ? systemErrorText(error)
    : code === 'ECONNREFUSED'
      ? 'nobody listens there'
      : code + rest;
}

/** What a server answers to credentials that it does not take. */
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

/** Reads the value of `--nats`. Throws `invalid`, BAD_NATS_URL. */
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

/** The text of an address that {@link parseNatsUrl} reads. */
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
    `"${text}" is no address of NATS: write nats://HOST:PORT, or tls://HOST:PORT`,
  );
}
