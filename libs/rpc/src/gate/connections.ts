import { formatDuration } from '@enjambre/core/format-duration';
import type { Http2Server, Http2Session, ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { Clock, Timer } from '@enjambre/common/async/clock';
import { EnjambreError } from '@enjambre/core/error';
import { networkOf } from '@enjambre/core/network-of';
import type { Budgets, Exhausted } from './budgets.js';
import type { Credentials } from '../credentials.js';
import { noteClient } from '../caller.js';
import { Connection, type Conduct } from './connection.js';
import { UNUSED_MS } from './limits.js';
import { refuseStream } from './refusal.js';
import type { Refusals } from './refusals.js';
import { TurnAway } from './turn-away.js';

export interface ConnectionsComponents {
  readonly budgets: Budgets;
  readonly refusals: Refusals;
  readonly clock: Pick<Clock, 'nowMs' | 'every'>;
  /** Who a client is; undefined without TLS. With it, nothing can be said to a client before the handshake. */
  readonly clientOf: Credentials['clientOf'];
}

/** Unused connections are looked for, and forgotten parties removed, this often. */
const REVIEW_MS = 1000;

/** Admits connections within the budgets of their parties. */
export class Connections {
  readonly #open = new Map<string, Connection>();
  readonly #unused = new Set<Connection>();
  readonly #turnAway = new TurnAway();
  readonly #review: Timer;

  readonly #admit: (socket: Socket) => void;

  /** @param secure returns a function that serves a connection, or gives one without TLS to `refuse` */
  constructor(
    private readonly parts: ConnectionsComponents,
    secure: (refuse: (socket: Socket) => void) => (socket: Socket) => void,
  ) {
    this.#admit = secure((socket) => {
      this.#refuse(socket, partyOf(socket), tlsRequired());
    });
    this.#review = parts.clock.every(REVIEW_MS, () => {
      this.#endUnused();
      this.#endUncertified();
      parts.budgets.prune(this.#now());
    });
  }

  /** The connection of a session; undefined once it has ended. */
  of(session: Http2Session | undefined): Connection | undefined {
    const key = session && !session.destroyed ? keyOf(session.socket) : undefined;
    return key === undefined ? undefined : this.#open.get(key);
  }

  accept(socket: Socket): void {
    const key = keyOf(socket);
    // It ended before it was accepted.
    if (key === undefined) return void socket.destroy();
    const party = partyOf(socket);
    const error = this.#refusalOf(party);
    if (error) return this.#refuse(socket, party, error);
    const connection = new Connection(party, socket, this.#now());
    this.#open.set(key, connection);
    this.#unused.add(connection);
    socket.once('close', () => {
      // A new connection from the same port may have taken its entry.
      if (this.#open.get(key) === connection) this.#open.delete(key);
      this.#unused.delete(connection);
      this.parts.budgets.giveBack(party, 'connections');
    });
    this.#admit(socket);
  }

  /** It has opened a stream. A client without a certificate may ask, and not stay. */
  isUsed(connection: Connection): void {
    if (connection.client && !connection.client.identity) return;
    if (!connection.used) this.#unused.delete(connection);
    connection.used = true;
  }

  /** Ends a connection for what its client does. */
  end(connection: Connection, error: EnjambreError): void {
    if (connection.ended) return;
    this.parts.refusals.add('ended', connection.party, error);
    connection.end(error, error.reason !== FRAME_FLOOD);
  }

  /** Counts what no client does often, and ends the connection if it is too much. */
  note(connection: Connection, conduct: Conduct): void {
    if (!connection.mayStill(conduct, this.#now())) this.end(connection, TOO_MUCH[conduct]());
  }

  /** Counts a refused call, and ends the connection if the party makes too many of them. */
  refused(connection: Connection): void {
    const { party } = connection;
    if (this.parts.budgets.spend(party, 'refusalsPerSecond', this.#now()) === 0) return;
    const message = 'calls continue although they are refused: call less often';
    this.end(connection, new EnjambreError('exhausted', 'CALL_FLOOD', message));
  }

  /** Guards the connections of a server. */
  guard(server: Http2Server): void {
    server.on('session', (session: ServerHttp2Session) => {
      const connection = this.of(session);
      if (!connection) return session.destroy();
      connection.session = session;
      connection.client = this.parts.clientOf?.(session.socket);
      if (connection.client?.identity) noteClient(session, connection.client);
      const control = (): void => this.note(connection, 'control');
      session.on('ping', control);
      session.on('remoteSettings', control);
      session.on('priority', control);
    });
  }

  /** Ends those that were refused. */
  stop(): void {
    this.#review.cancel();
    this.#turnAway.stop();
    // The server does not know those that have not begun.
    for (const { socket } of [...this.#unused]) socket.destroy();
  }

  #refuse(socket: Socket, party: string, error: EnjambreError): void {
    this.parts.refusals.add('connection', party, error);
    // Before the handshake, only a client without TLS can read why.
    if (!this.parts.clientOf || error.reason === TLS_REQUIRED) this.#turnAway.refuse(socket, party, error);
    else socket.destroy();
  }

  #refusalOf(party: string): EnjambreError | undefined {
    const { budgets } = this.parts;
    const exhausted = budgets.take(party, 'connections');
    if (exhausted) return tooManyConnections(FULL[exhausted], RETRY_MS);
    const retryAfterMs = budgets.spend(party, 'connectionsPerSecond', this.#now());
    if (retryAfterMs === 0) return undefined;
    budgets.giveBack(party, 'connections');
    return tooManyConnections('your address opens connections too fast', retryAfterMs);
  }

  #endUnused(): void {
    for (const connection of this.#unused) {
      // The set is in the order of arrival.
      if (this.#now() - connection.sinceMs < UNUSED_MS) return;
      connection.socket.destroy();
    }
  }

  /** Certificates expire, and are revoked, while connections are open. */
  #endUncertified(): void {
    for (const connection of this.#open.values()) {
      const problem = connection.client?.identity && connection.client.problemNow();
      if (!problem || connection.ended) continue;
      // Each call gets the reason; its connection ends after that.
      for (const stream of [...connection.streams]) refuseStream(stream, problem);
      this.end(connection, problem);
    }
  }

  #now(): number {
    return Math.trunc(this.parts.clock.nowMs());
  }
}

const RETRY_MS = 5000;

const TLS_REQUIRED = 'TLS_REQUIRED';

function tlsRequired(): EnjambreError {
  const message =
    'this server requires TLS: name a certificate of its network with --tls, or join it with --join';
  return new EnjambreError('unauthenticated', TLS_REQUIRED, message);
}

function partyOf({ remoteAddress, remotePort }: Socket): string {
  return networkOf(`${remoteAddress}:${remotePort}`);
}

const FRAME_FLOOD = 'FRAME_FLOOD';

const TOO_MUCH: Readonly<Record<Conduct, () => EnjambreError>> = {
  offence: () =>
    tooMuch('BAD_CALLS', 'the connection has made too many calls that this server cannot answer'),
  control: () => tooMuch(FRAME_FLOOD, 'the connection sends too many frames that belong to no call'),
};

function tooMuch(reason: string, message: string): EnjambreError {
  return new EnjambreError('exhausted', reason, message);
}

const FULL: Readonly<Record<Exhausted, string>> = {
  party: 'your address has too many open connections',
  all: 'the server has too many open connections',
};

function tooManyConnections(why: string, retryAfterMs: number): EnjambreError {
  const message = `${why}: try again after ${formatDuration(retryAfterMs)}`;
  return new EnjambreError('exhausted', 'TOO_MANY_CONNECTIONS', message, { retryAfterMs });
}

/** Unique among the open connections of a server; undefined if the socket has ended. */
function keyOf({ remoteAddress, remotePort, localAddress }: Socket): string | undefined {
  return remoteAddress === undefined ? undefined : `${remoteAddress} ${remotePort} ${localAddress}`;
}
