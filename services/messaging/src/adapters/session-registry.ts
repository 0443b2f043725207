import { createHash, randomBytes } from 'node:crypto';
import { EnjambreError } from '@enjambre/core/error';
import type { PeerId } from '@enjambre/core/ids';
import type { Metadata } from '@grpc/grpc-js';
import type { Caller } from '../domain/message.js';
import { Tally } from '../domain/tally.js';

/** The stream of a session, as the registry needs it. */
interface SessionStream {
  close(error: EnjambreError): void;
}

interface Session {
  readonly peer: Caller;
  readonly stream: SessionStream;
  readonly token: string;
}

const TOKEN_BYTES = 32;
const BEARER = /^Bearer ([\w-]{1,128})$/i;

/** Connected peers, and the tokens of their unary calls. */
export class SessionRegistry {
  readonly #byPeer = new Map<PeerId, Session>();
  /** By the hash of the token: the time of a look-up tells nothing about the token itself. */
  readonly #byToken = new Map<string, Session>();

  readonly #byParty = new Tally();

  /**
   * @param maxSessions maximum number of connected peers
   * @param maxOfParty and of those of one party
   */
  constructor(
    private readonly maxSessions: number,
    private readonly maxOfParty: number,
  ) {}

  get size(): number {
    return this.#byPeer.size;
  }

  get peers(): ReadonlySet<PeerId> {
    return new Set(this.#byPeer.keys());
  }

  /**
   * Opens a session and returns its token; the previous session of that peer is closed. Throws `exhausted`
   * TOO_MANY_PEERS.
   */
  open(peer: Caller, stream: SessionStream): string {
    const before = this.#byPeer.get(peer.id);
    if (!before && this.#byPeer.size >= this.maxSessions) throw tooManyPeers('too many peers are connected');
    if (before?.peer.party !== peer.party && this.#byParty.of(peer.party) >= this.maxOfParty)
      throw tooManyPeers('too many peers are connected from your address');
    if (before) this.#remove(before);
    const session = { peer, stream, token: randomBytes(TOKEN_BYTES).toString('base64url') };
    this.#byPeer.set(peer.id, session);
    this.#byToken.set(hashOf(session.token), session);
    this.#byParty.add(peer.party);
    before?.stream.close(replaced());
    return session.token;
  }

  /** Ends the session of a token; no effect if it has ended. */
  end(token: string): void {
    const session = this.#byToken.get(hashOf(token));
    if (session) this.#remove(session);
  }

  /** The peer whose session's token a call carries; undefined for none. */
  find(metadata: Metadata): Caller | undefined {
    const [header] = metadata.get('authorization');
    const token = typeof header === 'string' ? BEARER.exec(header)?.[1] : undefined;
    return token === undefined ? undefined : this.#byToken.get(hashOf(token))?.peer;
  }

  #remove(session: Session): void {
    if (!this.#byToken.delete(hashOf(session.token))) return;
    this.#byParty.remove(session.peer.party);
    if (this.#byPeer.get(session.peer.id) === session) this.#byPeer.delete(session.peer.id);
  }
}

/** The error for a unary call without the token of an open stream. */
export function badToken(): EnjambreError {
  const message =
    'the call has no token of an open Receive stream: call Receive first, and send its token with the call';
  return new EnjambreError('unauthenticated', 'BAD_TOKEN', message);
}

function hashOf(token: string): string {
  return createHash('sha256').update(token).digest('base64');
}

/** Retry delay if too many peers are connected. */
const FULL_RETRY_MS = 30_000;

export function tooManyPeers(what: string): EnjambreError {
  const details = { retryAfterMs: FULL_RETRY_MS };
  return new EnjambreError('exhausted', 'TOO_MANY_PEERS', `${what}: try again later`, details);
}

function replaced(): EnjambreError {
  const message = 'the same peer has called Receive again, and only one stream is served';
  return new EnjambreError('aborted', 'REPLACED', message);
}
