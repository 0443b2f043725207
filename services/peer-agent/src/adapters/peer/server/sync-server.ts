import { randomBytes } from 'node:crypto';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { Bitfield } from '@enjambre/core/bitfield';
import { EnjambreError } from '@enjambre/core/error';
import { infoHashToBytes, peerIdToBytes, type PeerId } from '@enjambre/core/ids';
import { checkHolder } from '@enjambre/core/trust/certified-identity';
import { certifiedCaller } from '@enjambre/rpc/caller';
import { greeted } from '@enjambre/rpc/gate/greeting';
import type { HandlerFactory } from '@enjambre/rpc/handlers';
import type { Goodbye, SyncRequest, SyncResponse } from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import type { Offender } from '../../../app/agent/bans.js';
import { CONTENT_CHANGED } from '../../../app/ports/piece-store.js';
import type { Serving, ServingDirectory } from '../../../app/upload/serving.js';
import type { Downloader, Uploads } from '../../../app/upload/uploads.js';
import { hearCall } from './hear-call.js';
import { HaveNews } from '../have-news.js';
import { readHello, type Greeting } from '../hello.js';
import { HELLO_TIMEOUT_MS, MAX_HAVE_PIECES } from '../wire-constants.js';
import type { SelfDescription } from '../client/peer-link.js';
import { networkOf } from '@enjambre/core/network-of';

type SyncCall = ServerDuplexStream<SyncRequest, SyncResponse>;

export interface SyncServerComponents {
  readonly directory: ServingDirectory;
  readonly self: SelfDescription;
  readonly handlers: HandlerFactory;
  readonly uploads: Uploads;
}

/** Reason of a downloader's goodbye: a piece that we sent was bad. */
const BAD_PIECE = 'BAD_PIECE';
const NONCE_BYTES = 32;
const SESSION_BYTES = 16;

/** The uploader's end of all Sync streams. */
export class SyncServer {
  /** Streams that said hello, by downloader and file. */
  readonly #sessions = new Map<string, SyncSession>();
  /** The same, by the secret that their Fetch streams present. */
  readonly #bySecret = new Map<string, SyncSession>();

  constructor(private readonly parts: SyncServerComponents) {}

  accept(call: SyncCall): void {
    new SyncSession(call, this.parts, {
      opened: (session) => {
        this.#opened(session);
      },
      closed: (session) => {
        this.#closed(session);
      },
    });
  }

  /** The open stream that a Fetch stream belongs to. Throws `unauthenticated` NO_SESSION. */
  sessionOf(secret: Uint8Array): SyncSession {
    const session = this.#bySecret.get(Buffer.from(secret).toString('hex'));
    if (session) return session;
    const message = 'no open Sync stream has that session: open one first';
    throw new EnjambreError('unauthenticated', 'NO_SESSION', message);
  }

  #opened(session: SyncSession): void {
    const key = keyOf(session.peerId, session.serving);
    this.#sessions.get(key)?.replace();
    this.#sessions.set(key, session);
    this.#bySecret.set(session.secret.toString('hex'), session);
    const file = session.serving.upload;
    this.parts.uploads.handle({ type: 'downloader-joined', downloader: session, file, party: session.party });
  }

  #closed(session: SyncSession): void {
    const key = keyOf(session.peerId, session.serving);
    if (this.#sessions.get(key) === session) this.#sessions.delete(key);
    this.#bySecret.delete(session.secret.toString('hex'));
    this.parts.uploads.handle({ type: 'downloader-left', downloader: session });
  }
}

interface SessionEvents {
  opened(session: SyncSession): void;
  /** Once for each `opened`. */
  closed(session: SyncSession): void;
}

/** Messages to a downloader that it has not read: beyond them it does not keep up. */
const MAX_UNREAD = 1000;

/** One downloader of one file. */
export class SyncSession implements Downloader {
  readonly #call: SyncCall;
  readonly #parts: SyncServerComponents;
  readonly #events: SessionEvents;
  readonly #timer: NodeJS.Timeout;
  readonly #nonce = randomBytes(NONCE_BYTES);
  /** Identifies this stream to its Fetch streams; only its downloader learns it. */
  readonly secret = randomBytes(SESSION_BYTES);
  /** Its address, as far as one network has it: slots and memory are shared fairly between those. */
  readonly party: string;
  readonly #endListeners = new Set<(error: EnjambreError) => void>();
  #who: Greeting | undefined;
  /** True once its bitfield has arrived. */
  #hasBitfield = false;
  #unsubscribe: () => void = () => undefined;
  readonly #news = new HaveNews((pieces) => {
    this.#write({ message: { $case: 'have', value: { pieces } } });
  });
  #over = false;

  constructor(call: SyncCall, parts: SyncServerComponents, events: SessionEvents) {
    this.#call = call;
    this.party = networkOf(call.getPeer());
    this.#parts = parts;
    this.#events = events;
    this.#timer = setTimeout(() => {
      this.#fail(new EnjambreError('timeout', 'NO_HELLO', 'hello and bitfield did not arrive in time'));
    }, HELLO_TIMEOUT_MS);
    hearCall(call, {
      message: (message: SyncRequest) => {
        this.#onMessage(message);
      },
      over: () => {
        this.#end();
      },
    });
    const peerId = peerIdToBytes(parts.self.peerId);
    this.#write({
      message: { $case: 'challenge', value: { nonce: this.#nonce, peerId, takesSigned: true } },
    });
  }

  /** Calls `listener` with the reason when the stream ends. Returns a function that unsubscribes. */
  onEnd(listener: (error: EnjambreError) => void): () => void {
    this.#endListeners.add(listener);
    return () => this.#endListeners.delete(listener);
  }

  get peerId(): PeerId {
    return this.#greeted.peerId;
  }

  get serving(): Serving {
    return this.#greeted.serving;
  }

  /** The peer to blame for messages on its streams. */
  get offender(): Offender {
    const { peerId, name, serving } = this.#greeted;
    return { peerId, name, infohash: serving.infohash };
  }

  choke(on: boolean): void {
    this.#write({ message: on ? { $case: 'choke', value: {} } : { $case: 'unchoke', value: {} } });
  }

  superSeed(on: boolean): void {
    this.#write({ message: { $case: 'spread', value: { on } } });
  }

  /** The same peer opened another stream for the same file. */
  replace(): void {
    this.#fail(new EnjambreError('aborted', 'REPLACED', 'the same peer opened another stream'));
  }

  get #greeted(): Greeting {
    if (!this.#who) throw new Error('the session has not said hello');
    return this.#who;
  }

  #onMessage({ message }: SyncRequest): void {
    if (this.#over) return;
    try {
      switch (message?.$case) {
        case 'hello':
          return this.#onHello(message.value);
        case 'bitfield':
          return this.#onBitfield(message.value.bits);
        case 'have':
          return this.#onHave(message.value.pieces);
        case 'goodbye':
          return this.#onGoodbye(message.value);
        case undefined:
          return; // A message from a later version.
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #onHello(hello: Parameters<typeof readHello>[0]): void {
    if (this.#who) throw unexpected('a second hello');
    const { directory, self } = this.#parts;
    const certified = certifiedCaller(this.#call);
    const terms = { nonce: this.#nonce, uploader: self.peerId, holder: certified };
    const who = readHello(hello, terms, directory);
    checkHolder(certified, { id: who.peerId, name: who.name });
    this.#who = who;
    greeted(this.#call);
    const { serving } = this.#who;
    serving.downloaderJoined(this.#who);
    this.#write({
      message: {
        $case: 'hello',
        value: {
          infohash: infoHashToBytes(serving.infohash),
          peerId: peerIdToBytes(self.peerId),
          name: self.name,
          version: self.version,
          publicKey: Buffer.alloc(0),
          signature: Buffer.alloc(0),
          takesParts: false,
          labels: {},
          session: this.secret,
        },
      },
    });
    this.#unsubscribe = serving.subscribe({
      has: (pieces) => {
        const { peerId, serving: at } = this;
        this.#news.add(pieces, at.have.isFull() || pieces.some((piece) => !at.holds(peerId, piece)));
      },
      stopped: (message, reason) => {
        if (reason === CONTENT_CHANGED)
          this.#write({ message: { $case: 'goodbye', value: { reason, message, piece: undefined } } });
        this.#fail(new EnjambreError('unavailable', reason, message));
      },
      completed: () => {
        this.#parts.uploads.handle({ type: 'file-completed', file: serving.upload });
      },
    });
    this.#write({ message: { $case: 'bitfield', value: { bits: serving.have.toBytes() } } });
    this.#events.opened(this);
  }

  #onBitfield(bits: Uint8Array): void {
    if (!this.#who || this.#hasBitfield) throw unexpected('a bitfield out of order');
    const { serving } = this.#who;
    const has = Bitfield.fromBytes(bits, serving.layout.pieceCount);
    clearTimeout(this.#timer);
    this.#hasBitfield = true;
    this.#parts.uploads.handle({ type: 'downloader-bitfield', downloader: this, has });
  }

  /** The end of the stream follows. */
  #onGoodbye({ reason, piece }: Goodbye): void {
    if (reason === BAD_PIECE && piece !== undefined) this.#who?.serving.complained(this.peerId, piece);
  }

  #onHave(pieces: readonly number[]): void {
    if (!this.#hasBitfield) throw unexpected('a have before the bitfield');
    const { pieceCount } = this.#greeted.serving.layout;
    if (pieces.length > MAX_HAVE_PIECES || pieces.some((piece) => piece >= pieceCount)) {
      throw new EnjambreError(
        'invalid',
        'PIECE_OUT_OF_RANGE',
        'a have refers to a piece that does not exist',
      );
    }
    this.#parts.uploads.handle({ type: 'downloader-has', downloader: this, pieces });
  }

  #write(message: SyncResponse): void {
    if (this.#over) return;
    this.#call.write(message);
    if (this.#call.writableLength > MAX_UNREAD) this.#fail(slowReader());
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    const known = EnjambreError.from(error);
    if (known.code === 'invalid' && this.#who) this.#parts.directory.report(this.offender, known.message);
    this.#end(known);
    this.#parts.handlers.fail(this.#call, error);
  }

  #end(error = new EnjambreError('aborted', 'SYNC_ENDED', 'the Sync stream ended')): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#unsubscribe();
    this.#news.stop();
    if (!this.#who) return;
    this.#who.serving.downloaderLeft(this.#who.peerId);
    this.#events.closed(this);
    for (const listener of [...this.#endListeners]) listener(error);
  }
}

function keyOf(peerId: PeerId, serving: Serving): string {
  return `${peerId}/${serving.infohash}`;
}

function slowReader(): EnjambreError {
  return new EnjambreError('timeout', 'SLOW_READER', 'the downloader read too few messages');
}

function unexpected(what: string): EnjambreError {
  return new EnjambreError('invalid', 'UNEXPECTED_MESSAGE', `unexpected message: ${what}`);
}
