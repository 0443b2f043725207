import { Metadata, type ServerDuplexStream } from '@grpc/grpc-js';
import { EnjambreError } from '@enjambre/core/error';
import { greeted } from '@enjambre/rpc/gate/greeting';
import type { HandlerFactory } from '@enjambre/rpc/handlers';
import { writeRaw } from '@enjambre/rpc/raw-write';
import type {
  AnyRequest,
  FetchRequest,
  FetchResponse,
  Hello,
  Request,
} from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import type { RejectReason } from '../../../domain/block.js';
import type { ServingDirectory } from '../../../app/upload/serving.js';
import type { BlockStream, OutgoingPart, Uploads } from '../../../app/upload/uploads.js';
import type { BlockRequest, Breach, Part } from '../../../domain/upload/messages.js';
import { DEFAULT_UPLOAD_LIMITS } from '../../../domain/upload/upload-scheduler.js';
import { BlockFrames, type BlockFrame } from './block-frames.js';
import { rejectToWire } from '../convert.js';
import { HELLO_TIMEOUT_MS, STALL_TIMEOUT_MS } from '../wire-constants.js';
import { hearCall } from './hear-call.js';
import { checkRequest } from './requested-block.js';
import type { SyncServer, SyncSession } from './sync-server.js';

type FetchCall = ServerDuplexStream<FetchRequest, FetchResponse>;

export interface FetchServerComponents {
  readonly directory: Pick<ServingDirectory, 'report'>;
  readonly handlers: HandlerFactory;
  readonly sync: SyncServer;
  readonly uploads: Uploads;
}

/** Maximum modulus of a piece class for super-seeding uploaders. */
const MAX_MODULUS = 1000;

/** The uploader's end of all Fetch streams. */
export class FetchServer {
  /** Memory for the blocks of all streams. */
  readonly #frames = new BlockFrames();
  readonly #sessions = new Set<FetchSession>();

  constructor(private readonly parts: FetchServerComponents) {}

  /** Number of open streams. */
  get streams(): number {
    return this.#sessions.size;
  }

  accept(call: ServerDuplexStream<FetchRequest, FetchResponse>): void {
    const session = new FetchSession(call, { ...this.parts, frames: this.#frames }, () => {
      this.#sessions.delete(session);
    });
    this.#sessions.add(session);
  }
}

interface FetchSessionComponents extends FetchServerComponents {
  readonly frames: BlockFrames;
}

/**
 * A Fetch stream: turns its messages into events of the upload engine, and the engine's parts and rejections into
 * messages.
 */
class FetchSession implements BlockStream {
  /** The Sync session that it belongs to, and so its peer and file; known after the hello. */
  #owner: SyncSession | undefined;
  /** Runs until the hello, and then while a block is being sent. */
  #timer: NodeJS.Timeout;
  /** Ends the wait for each block on its way to the socket: gRPC may never report its outcome. */
  readonly #sending = new Set<() => void>();
  /** Rejections on their way to the socket. */
  #rejecting = 0;
  #unsubscribe: () => void = () => undefined;
  #over = false;

  constructor(
    private readonly call: FetchCall,
    private readonly parts: FetchSessionComponents,
    private readonly ended: () => void,
  ) {
    this.#timer = setTimeout(() => {
      this.#fail(new EnjambreError('timeout', 'NO_HELLO', 'the hello did not arrive in time'));
    }, HELLO_TIMEOUT_MS);
    hearCall(call, {
      message: (message: FetchRequest) => {
        this.#onMessage(message);
      },
      over: () => {
        this.#end();
      },
    });
  }

  /** Throws `invalid` BAD_HELLO before the hello. */
  get downloader(): SyncSession {
    if (this.#owner) return this.#owner;
    throw new EnjambreError('invalid', 'BAD_HELLO', 'a request before the hello');
  }

  part(id: number, part: Part): OutgoingPart {
    const frame = this.parts.frames.take(id, part);
    const drop = (): void => {
      this.parts.frames.giveBack(frame);
    };
    const send = async (): Promise<boolean> => {
      if (this.#over) drop();
      else await this.#send(frame);
      return !this.#over;
    };
    return { data: frame.data, send, drop };
  }

  /**
   * Rejections cost a hostile peer little, and count as answers only once they are read: as many may be pending as
   * requests.
   */
  reject(id: number, reason: RejectReason): void {
    if (this.#over) return;
    if (this.#rejecting >= DEFAULT_UPLOAD_LIMITS.maxQueued) return this.#fail(tooManyRequests());
    this.#rejecting += 1;
    this.call.write({ message: { $case: 'reject', value: { id, reason: rejectToWire(reason) } } }, () => {
      this.#rejecting -= 1;
    });
  }

  violated(breach: Breach): void {
    this.#fail(ERRORS[breach]());
  }

  #onMessage({ message }: FetchRequest): void {
    if (this.#over) return;
    const { uploads } = this.parts;
    try {
      switch (message?.$case) {
        case 'hello':
          return this.#onHello(message.value);
        case 'request':
          return this.#onRequest(message.value);
        case 'any':
          return this.#onAny(message.value);
        case 'cancel':
          return uploads.handle({ type: 'cancelled', stream: this, id: message.value.id });
        case 'pace': {
          const bytesPerSecond = Number(message.value.bytesPerSecond);
          return uploads.handle({ type: 'stream-paced', stream: this, bytesPerSecond });
        }
        case undefined:
          return; // A message from a later version.
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  #onHello({ session: secret, takesParts }: Hello): void {
    if (this.#owner)
      throw new EnjambreError('invalid', 'UNEXPECTED_MESSAGE', 'unexpected message: a second hello');
    const owner = this.parts.sync.sessionOf(secret);
    clearTimeout(this.#timer);
    this.#owner = owner;
    greeted(this.call);
    // Frames written past grpc-js must not precede the headers.
    this.call.sendMetadata(new Metadata());
    this.#unsubscribe = owner.onEnd((error) => {
      this.#end();
      this.parts.handlers.fail(this.call, error);
    });
    this.parts.uploads.handle({ type: 'stream-opened', stream: this, downloader: owner, takesParts });
  }

  #onRequest(request: Request): void {
    checkRequest(request, this.downloader.serving.layout);
    this.#request(request);
  }

  #onAny({ id, modulus, residue }: AnyRequest): void {
    const { serving } = this.downloader;
    if (modulus < 1 || modulus > MAX_MODULUS || residue >= modulus) {
      throw new EnjambreError('invalid', 'BAD_REQUEST', `invalid piece class: ${residue} modulo ${modulus}`);
    }
    this.#request({ id, length: serving.layout.longestBlock, any: { modulus, residue } });
  }

  #request(request: BlockRequest): void {
    this.parts.uploads.handle({ type: 'requested', stream: this, request });
  }

  /** Resolves when the block has been sent, or the stream has ended: gRPC may never call back then. */
  async #send(frame: BlockFrame): Promise<void> {
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#sending.delete(done);
        resolve();
      };
      this.#sending.add(done);
      if (this.#sending.size === 1) this.#watchReader();
      writeRaw(this.call, frame.bytes, (error) => {
        if (!error) this.parts.frames.giveBack(frame);
        done();
      });
    });
    if (!this.#over) this.#watchReader();
  }

  /** A downloader that reads nothing would hold memory that others need: it has a limited time per block. */
  #watchReader(): void {
    clearTimeout(this.#timer);
    if (this.#sending.size === 0) return;
    this.#timer = setTimeout(() => {
      this.#fail(slowReader());
    }, STALL_TIMEOUT_MS);
  }

  #fail(error: unknown): void {
    if (this.#over) return;
    const known = EnjambreError.from(error);
    if (known.code === 'invalid' && this.#owner)
      this.parts.directory.report(this.#owner.offender, known.message);
    this.#end();
    this.parts.handlers.fail(this.call, error);
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    clearTimeout(this.#timer);
    this.#unsubscribe();
    this.ended();
    for (const done of [...this.#sending]) done();
    this.parts.uploads.handle({ type: 'stream-closed', stream: this });
  }
}

const ERRORS: Readonly<Record<Breach, () => EnjambreError>> = {
  full: tooManyRequests,
  duplicate: () => new EnjambreError('invalid', 'BAD_REQUEST', 'the id of a request is in use'),
  stalled: slowReader,
};

function slowReader(): EnjambreError {
  return new EnjambreError('timeout', 'SLOW_READER', 'the downloader read no block for too long');
}

function tooManyRequests(): EnjambreError {
  return new EnjambreError('exhausted', 'TOO_MANY_REQUESTS', 'too many unanswered requests');
}
