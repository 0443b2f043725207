import type { ServerDuplexStream } from '@grpc/grpc-js';
import { Bitfield } from '@enjambre/core/bitfield';
import { EnjambreError } from '@enjambre/core/error';
import { infoHashToBytes, peerIdToBytes, type PeerId } from '@enjambre/core/ids';
import type { HandlerFactory } from '@enjambre/common/grpc/handlers';
import type { SyncRequest, SyncResponse } from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import type { Serving, ServingDirectory } from '../../app/serving.js';
import type { UploadSlots } from '../../domain/upload/upload-slots.js';
import { readHello } from './hello.js';
import { HELLO_TIMEOUT_MS, MAX_HAVE_PIECES } from './limits.js';
import type { SelfDescription } from './peer-link.js';

type SyncCall = ServerDuplexStream<SyncRequest, SyncResponse>;

export interface SyncServerComponents {
  readonly directory: ServingDirectory;
  readonly self: SelfDescription;
  readonly handlers: HandlerFactory;
  readonly slots: UploadSlots<SyncSession>;
}

/** Streams open at the same time, over all files: a stranger opens no more. */
const MAX_STREAMS = 2000;

/** The uploader's end of all Sync streams. */
export class SyncServer {
  /** Streams that said hello, by downloader and file. */
  readonly #sessions = new Map<string, SyncSession>();
  /** All streams: a stranger need not say hello to take up room. */
  #streams = 0;
  readonly #chokeListeners = new Set<(session: SyncSession, choked: boolean) => void>();

  constructor(private readonly parts: SyncServerComponents) {}

  accept(call: SyncCall): void {
    if (this.#streams >= MAX_STREAMS) {
      this.parts.handlers.fail(
        call,
        new EnjambreError('exhausted', 'TOO_MANY_STREAMS', 'this agent serves too many peers: try another'),
      );
      return;
    }
    this.#streams += 1;
    new SyncSession(call, this.parts, {
      opened: (session) => {
        this.#opened(session);
      },
      closed: (session) => {
        this.#closed(session);
      },
      over: () => {
        this.#streams -= 1;
      },
    });
  }

  /** True if the downloader has no slot at present. */
  isChoked(peerId: PeerId, serving: Serving): boolean {
    const session = this.#sessions.get(keyOf(peerId, serving));
    return session !== undefined && !this.parts.slots.isServed(session);
  }

  /** Calls `listener` when a downloader gets or loses its slot. */
  onChoke(listener: (session: SyncSession, choked: boolean) => void): void {
    this.#chokeListeners.add(listener);
  }

  #opened(session: SyncSession): void {
    const key = keyOf(session.peerId, session.serving);
    this.#sessions.get(key)?.replace();
    this.#sessions.set(key, session);
    if (!this.parts.slots.enter(session)) this.#choke(session, true);
  }

  #closed(session: SyncSession): void {
    const key = keyOf(session.peerId, session.serving);
    if (this.#sessions.get(key) === session) this.#sessions.delete(key);
    const next = this.parts.slots.leave(session);
    if (next) this.#choke(next, false);
  }

  #choke(session: SyncSession, choked: boolean): void {
    session.tellChoked(choked);
    for (const listener of this.#chokeListeners) listener(session, choked);
  }
}

interface SessionEvents {
  opened(session: SyncSession): void;
  /** Once for each `opened`. */
  closed(session: SyncSession): void;
  /** Once for each session. */
  over(): void;
}

/** One downloader of one file. */
export class SyncSession {
  readonly #call: SyncCall;
  readonly #parts: SyncServerComponents;
  readonly #events: SessionEvents;
  readonly #timer: NodeJS.Timeout;
  #who: { readonly peerId: PeerId; readonly serving: Serving } | undefined;
  #has: Bitfield | undefined;
  #unsubscribe: () => void = () => undefined;
  #over = false;

  constructor(call: SyncCall, parts: SyncServerComponents, events: SessionEvents) {
    this.#call = call;
    this.#parts = parts;
    this.#events = events;
    this.#timer = setTimeout(() => {
      this.#fail(new EnjambreError('timeout', 'NO_HELLO', 'hello and bitfield did not come in time'));
    }, HELLO_TIMEOUT_MS);
    call.on('data', (message: SyncRequest) => {
      this.#onMessage(message);
    });
    call.on('end', () => {
      this.#end();
      call.end();
    });
    call.on('cancelled', () => {
      this.#end();
    });
    call.on('error', () => {
      this.#end();
    });
  }

  get peerId(): PeerId {
    return this.#greeted.peerId;
  }

  get serving(): Serving {
    return this.#greeted.serving;
  }

  tellChoked(choked: boolean): void {
    this.#write({ message: choked ? { $case: 'choke', value: {} } : { $case: 'unchoke', value: {} } });
  }

  /** The same peer opened another stream for the same file. */
  replace(): void {
    this.#fail(new EnjambreError('aborted', 'REPLACED', 'the same peer opened another stream'));
  }

  get #greeted(): { readonly peerId: PeerId; readonly serving: Serving } {
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
        case undefined:
          return; // The stream's end follows; or a message of a later version.
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #onHello(hello: Parameters<typeof readHello>[0]): void {
    if (this.#who) throw unexpected('a second hello');
    const { peerId, name, serving } = readHello(hello, this.#parts.directory);
    this.#who = { peerId, serving };
    serving.downloaderJoined(peerId, name);
    this.#write({
      message: {
        $case: 'hello',
        value: {
          infohash: infoHashToBytes(serving.infohash),
          peerId: peerIdToBytes(this.#parts.self.peerId),
          name: this.#parts.self.name,
          version: this.#parts.self.version,
        },
      },
    });
    this.#unsubscribe = serving.subscribe({
      has: (pieces) => {
        this.#tellHave(pieces);
      },
      stopped: (reason) => {
        this.#fail(new EnjambreError('unavailable', 'STOPPING', reason));
      },
    });
    this.#write({ message: { $case: 'bitfield', value: { bits: serving.have.toBytes() } } });
    this.#events.opened(this);
  }

  #onBitfield(bits: Uint8Array): void {
    if (!this.#who || this.#has) throw unexpected('a bitfield out of turn');
    this.#has = Bitfield.fromBytes(bits, this.#who.serving.layout.pieceCount);
    clearTimeout(this.#timer);
  }

  #onHave(pieces: readonly number[]): void {
    if (!this.#has) throw unexpected('a have before the bitfield');
    if (pieces.length > MAX_HAVE_PIECES || pieces.some((piece) => piece >= (this.#has?.length ?? 0))) {
      throw new EnjambreError('invalid', 'PIECE_OUT_OF_RANGE', 'a have names a piece that does not exist');
    }
    for (const piece of pieces) this.#has.set(piece);
  }

  #tellHave(pieces: readonly number[]): void {
    for (let at = 0; at < pieces.length; at += MAX_HAVE_PIECES) {
      this.#write({ message: { $case: 'have', value: { pieces: pieces.slice(at, at + MAX_HAVE_PIECES) } } });
    }
  }

  #write(message: SyncResponse): void {
    if (!this.#over) this.#call.write(message);
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    const known = EnjambreError.from(error);
    if (known.code === 'invalid' && this.#who) this.#parts.directory.report(this.#who.peerId, known.message);
    this.#end();
    this.#parts.handlers.fail(this.#call, error);
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#unsubscribe();
    this.#events.over();
    if (!this.#who) return;
    this.#who.serving.downloaderLeft(this.#who.peerId);
    this.#events.closed(this);
  }
}

function keyOf(peerId: PeerId, serving: Serving): string {
  return `${peerId}/${serving.infohash}`;
}

function unexpected(what: string): EnjambreError {
  return new EnjambreError('invalid', 'UNEXPECTED_MESSAGE', `${what} does not belong here`);
}
