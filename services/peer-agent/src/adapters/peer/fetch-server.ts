import { Metadata, type ServerDuplexStream } from '@grpc/grpc-js';
import { EnjambreError } from '@enjambre/core/error';
import type { HandlerFactory } from '@enjambre/common/grpc/handlers';
import type { Logger } from '@enjambre/common/log/logger';
import type {
  AnyRequest,
  FetchRequest,
  FetchResponse,
  Hello,
  Request,
} from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import type { ServingDirectory } from '../../app/serving.js';
import type { RejectReason } from '../../domain/engine/messages.js';
import { PARKED_MS } from '../../domain/swarm-constants.js';
import type { BlockPlace } from '../../domain/upload/chosen-blocks.js';
import type { PieceClass } from '../../domain/upload/piece-class.js';
import {
  DEFAULT_UPLOAD_LIMITS,
  UploadScheduler,
  type UploadJob,
} from '../../domain/upload/upload-scheduler.js';
import { UploadAllowance } from '../../domain/upload/upload-allowance.js';
import { BlockFrames, writeFrame, type BlockFrame } from './block-frames.js';
import { rejectToWire } from './convert.js';
import { HELLO_TIMEOUT_MS, STALL_TIMEOUT_MS } from './limits.js';
import { checkRequest } from './requested-block.js';
import { Rounds } from './rounds.js';
import type { SyncServer, SyncSession } from './sync-server.js';
import { UploadGate, type Part } from './upload-gate.js';

type FetchCall = ServerDuplexStream<FetchRequest, FetchResponse>;

export interface FetchServerComponents {
  readonly directory: Pick<ServingDirectory, 'report'>;
  readonly handlers: HandlerFactory;
  readonly sync: SyncServer;
  readonly log: Logger;
}

/** What the uploads of an agent hold, all together. */
export interface UploadLoad {
  readonly streams: number;
  /** Requests that wait for their turn. */
  readonly waiting: number;
  /** Bytes being read or sent. */
  readonly bytes: number;
}

/** Streams open at the same time, over all files. */
const MAX_SESSIONS = 2000;
/** Parts that downloaders may divide pieces into, for uploaders that choose. */
const MAX_MODULUS = 1000;

/** A block that a downloader named, or leaves to the uploader's choice. */
type Wanted = { readonly id: number; readonly length: number } & (BlockPlace | { readonly any: PieceClass });

interface Session {
  readonly call: FetchCall;
  /** Whose it is, and of which file; known from the hello on. */
  owner: SyncSession | undefined;
  /** How fast it is served; known from the hello on. */
  allowance: UploadAllowance | undefined;
  /** Until the hello, and then while a block is being sent. */
  timer: NodeJS.Timeout;
  /** Ends the wait for each block on its way to the socket: gRPC may never say what became of it. */
  readonly sending: Set<() => void>;
  /** Rejects on their way to the socket. */
  rejecting: number;
  unsubscribe: () => void;
  /** While choices are held back. */
  parked: NodeJS.Timeout | undefined;
  over: boolean;
}

/** The uploader's end of all Fetch streams: reads blocks and sends them, each stream in its turn. */
export class FetchServer {
  readonly #scheduler = new UploadScheduler<Session, Wanted>();
  readonly #sessions = new Set<Session>();
  readonly #frames = new BlockFrames();
  readonly #gate = new UploadGate(() => {
    this.#pump();
  });
  readonly #rounds = new Rounds(() => {
    this.#pump();
  });

  constructor(private readonly parts: FetchServerComponents) {}

  get load(): UploadLoad {
    return { ...this.#scheduler.load, streams: this.#sessions.size };
  }

  accept(call: ServerDuplexStream<FetchRequest, FetchResponse>): void {
    const fetchCall = call as FetchCall;
    if (this.#sessions.size >= MAX_SESSIONS) {
      this.parts.handlers.fail(
        call,
        new EnjambreError('exhausted', 'TOO_MANY_STREAMS', 'this agent serves too many peers: try another'),
      );
      return;
    }
    const session: Session = {
      call: fetchCall,
      owner: undefined,
      allowance: undefined,
      timer: setTimeout(() => {
        this.#fail(session, new EnjambreError('timeout', 'NO_HELLO', 'the hello did not come in time'));
      }, HELLO_TIMEOUT_MS),
      sending: new Set(),
      rejecting: 0,
      unsubscribe: () => undefined,
      parked: undefined,
      over: false,
    };
    this.#sessions.add(session);
    call.on('data', (message: FetchRequest) => {
      this.#onMessage(session, message);
    });
    call.on('end', () => {
      this.#end(session);
      call.end();
    });
    call.on('cancelled', () => {
      this.#end(session);
    });
    call.on('error', () => {
      this.#end(session);
    });
  }

  #onMessage(session: Session, { message }: FetchRequest): void {
    if (session.over) return;
    try {
      switch (message?.$case) {
        case 'hello':
          return this.#onHello(session, message.value);
        case 'request':
          return this.#onRequest(session, message.value);
        case 'any':
          return this.#onAny(session, message.value);
        case 'cancel':
          return this.#onCancel(session, message.value.id);
        case 'pace':
          return session.allowance?.setPace(Number(message.value.bytesPerSecond), performance.now());
        case undefined:
          return; // A message of a later version.
      }
    } catch (error) {
      this.#fail(session, error);
    }
  }

  #onHello(session: Session, { session: secret, takesParts }: Hello): void {
    if (session.owner)
      throw new EnjambreError('invalid', 'UNEXPECTED_MESSAGE', 'a second hello does not belong here');
    const owner = this.parts.sync.sessionOf(secret);
    clearTimeout(session.timer);
    session.owner = owner;
    // What is written past grpc-js must not be before the headers.
    session.call.sendMetadata(new Metadata());
    const endings = [
      owner.onEnd((error) => {
        this.#end(session);
        this.parts.handlers.fail(session.call, error);
      }),
      owner.serving.subscribe({
        spreads: () => {
          this.#wake(session);
        },
      }),
    ];
    session.unsubscribe = () => {
      for (const end of endings) end();
    };
    const allowance = new UploadAllowance(owner.serving.share, { takesParts });
    session.allowance = allowance;
    this.#scheduler.open(session, () => this.#gate.mayBegin(allowance));
  }

  #onRequest(session: Session, request: Request): void {
    const { serving } = ownerOf(session);
    checkRequest(request, serving.layout);
    if (!serving.have.has(request.piece)) return this.#reject(session, request.id, 'not-available');
    this.#queue(session, request);
  }

  #onAny(session: Session, { id, modulus, residue }: AnyRequest): void {
    const { serving } = ownerOf(session);
    if (modulus < 1 || modulus > MAX_MODULUS || residue >= modulus) {
      throw new EnjambreError('invalid', 'BAD_REQUEST', `no piece is ${residue} modulo ${modulus}`);
    }
    const length = serving.layout.longestBlock;
    this.#queue(session, { id, length, any: { modulus, residue } });
  }

  #queue(session: Session, request: Wanted): void {
    if (this.parts.sync.isChoked(ownerOf(session))) return this.#reject(session, request.id, 'choked');
    const outcome = this.#scheduler.add(session, request);
    if (outcome === 'duplicate')
      throw new EnjambreError('invalid', 'BAD_REQUEST', 'the id of a request is in use');
    if (outcome === 'full') throw tooManyRequests();
    this.#pump();
  }

  /** What is being read or sent is not called back: its block is the answer. */
  #onCancel(session: Session, id: number): void {
    if (this.#scheduler.cancel(session, id)) this.#reject(session, id, 'cancelled');
  }

  #pump(): void {
    this.#gate.release();
    while (!this.#rounds.isOver) {
      const job = this.#scheduler.next();
      if (!job) return;
      this.#serve(job).catch((error: unknown) => {
        this.parts.log.error({ err: error }, 'a block could not be served');
      });
    }
  }

  /** Sends a block, in parts if a limit wants it. What the uploader chooses is chosen now that its turn has come. */
  async #serve({ stream: session, request }: UploadJob<Session, Wanted>): Promise<void> {
    const { allowance } = session;
    const place = 'any' in request ? this.#choose(session, request) : request;
    if (!place || !allowance) return;
    const { id } = request;
    if (this.#gate.takeWhole(place, allowance)) await this.#sendPart(session, id, { ...place, left: 0 });
    else
      await this.#sendParts(
        session,
        id,
        this.#gate.parts(place, allowance, () => !session.over),
      );
    this.#scheduler.done(session, request);
    this.#pump();
  }

  async #sendParts(session: Session, id: number, parts: AsyncIterable<Part>): Promise<void> {
    for await (const part of parts) if (!(await this.#sendPart(session, id, part))) return;
  }

  /** False if the rest of the block is not to be sent. */
  async #sendPart(session: Session, id: number, part: Part): Promise<boolean> {
    const frame = this.#frames.take(id, part);
    const isRead = !session.over && (await this.#read(session, id, { part, frame }));
    const isLeaving = isRead && !session.over;
    if (isLeaving) await this.#send(session, frame, part);
    else this.#frames.giveBack(frame);
    session.allowance?.moved(part.length);
    return isLeaving;
  }

  /** Undefined if there is nothing to choose: the request was held back or rejected. */
  #choose(session: Session, request: Wanted & { readonly any: PieceClass }): BlockPlace | undefined {
    const choice = session.owner?.seat?.choose(request.any) ?? 'none';
    if (choice === 'later') {
      this.#scheduler.park(session, request);
      session.parked ??= setTimeout(() => {
        this.#wake(session);
      }, PARKED_MS);
      return undefined;
    }
    if (choice !== 'none') return choice;
    this.#scheduler.done(session, request);
    this.#reject(session, request.id, 'not-available');
    return undefined;
  }

  /** There may be something to choose again for what was held back, or nothing to wait for. */
  #wake(session: Session): void {
    clearTimeout(session.parked);
    session.parked = undefined;
    this.#scheduler.wake(session);
    this.#pump();
  }

  async #read(
    session: Session,
    id: number,
    { part, frame }: { part: Part; frame: BlockFrame },
  ): Promise<boolean> {
    try {
      await session.owner?.read(part, frame.data);
      return true;
    } catch (error) {
      this.parts.log.warn({ err: error, piece: part.piece }, 'a shared file could not be read');
      const changed = EnjambreError.from(error).code === 'precondition';
      this.#reject(session, id, changed ? 'content-changed' : 'read-failed');
      return false;
    }
  }

  /** Resolves when the block is on its way, or the stream is over: it may never call back then. */
  async #send(session: Session, frame: BlockFrame, { piece, length }: BlockPlace): Promise<void> {
    const { call, owner, sending } = session;
    await new Promise<void>((resolve) => {
      const done = (): void => {
        sending.delete(done);
        resolve();
      };
      sending.add(done);
      if (sending.size === 1) this.#watchReader(session);
      writeFrame(call, frame, (error) => {
        if (!error) this.#frames.giveBack(frame);
        done();
      });
    });
    if (session.over || !owner) return;
    this.#watchReader(session);
    owner.serving.sent(owner.peerId, length);
    owner.seat?.sent(piece);
  }

  /** A downloader that takes nothing would hold memory that others need: it gets so long for the next block. */
  #watchReader(session: Session): void {
    clearTimeout(session.timer);
    if (session.sending.size === 0) return;
    session.timer = setTimeout(() => {
      this.#fail(session, new EnjambreError('timeout', 'SLOW_READER', 'no block was taken for too long'));
    }, STALL_TIMEOUT_MS);
  }

  /** Rejects cost a stranger little, and are answers only once they are taken: no more wait than requests may. */
  #reject(session: Session, id: number, reason: RejectReason): void {
    if (session.over) return;
    if (session.rejecting >= DEFAULT_UPLOAD_LIMITS.maxQueued) return this.#fail(session, tooManyRequests());
    session.rejecting += 1;
    session.call.write({ message: { $case: 'reject', value: { id, reason: rejectToWire(reason) } } }, () => {
      session.rejecting -= 1;
    });
  }

  #fail(session: Session, error: unknown): void {
    if (session.over) return;
    const known = EnjambreError.from(error);
    if (known.code === 'invalid' && session.owner)
      this.parts.directory.report(session.owner.offender, known.message);
    this.#end(session);
    this.parts.handlers.fail(session.call, error);
  }

  #end(session: Session): void {
    if (session.over) return;
    session.over = true;
    clearTimeout(session.timer);
    clearTimeout(session.parked);
    session.unsubscribe();
    this.#sessions.delete(session);
    this.#scheduler.close(session);
    for (const done of [...session.sending]) done();
    this.#pump();
  }
}

/** Throws `invalid`, BAD_HELLO. */
function ownerOf({ owner }: Session): SyncSession {
  if (owner) return owner;
  throw new EnjambreError('invalid', 'BAD_HELLO', 'a request before the hello');
}

function tooManyRequests(): EnjambreError {
  return new EnjambreError('exhausted', 'TOO_MANY_REQUESTS', 'too many unanswered requests');
}
