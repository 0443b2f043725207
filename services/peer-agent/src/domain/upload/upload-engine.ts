import type { Bitfield } from '@enjambre/core/bitfield';
import type { RejectReason } from '../block.js';
import { PARKED_MS } from '../swarm-constants.js';
import { SuperSeedBlocks } from './super-seed-blocks.js';
import type { BlockRequest, Part, StreamEvent, UploadEffect, UploadEvent, UploadFile } from './messages.js';
import { Pacing } from './pacing.js';
import { partOf } from './part-length.js';
import { UploadAllowance } from './upload-allowance.js';
import {
  DEFAULT_UPLOAD_LIMITS,
  UploadScheduler,
  type UploadJob,
  type UploadLimits,
} from './upload-scheduler.js';
import { UploadSlots } from './upload-slots.js';
import {
  chosenBlock,
  firstStalled,
  newStream,
  type DownloaderState,
  type FileState,
  type Rest,
  type Sending,
  type StreamState,
} from './upload-state.js';

export interface UploadEngineInit {
  /** Downloaders served concurrently; more are choked until one leaves. */
  readonly slots: number;
  /** @default DEFAULT_UPLOAD_LIMITS */
  readonly limits?: UploadLimits;
}

/**
 * Decides which blocks to send to which downloaders, for all uploads of an agent. Like the download engine it takes
 * events with their times and returns effects; it does no I/O and reads no clock. Parts to send are taken from
 * {@link next}, one at a time, so that the host starts no more than it can handle: after each event, take until none is
 * left.
 *
 * Guarantees: each request is answered once, by a block or a rejection, unless its stream is closed; bytes handed out
 * and not yet sent stay within the limits, per stream, per party and in total; only pieces that the file has are sent; a
 * downloader without progress keeps neither a slot nor memory that others wait for.
 *
 * @typeParam Downloader one peer for one file, compared by identity
 * @typeParam Stream what a downloader requests blocks on, compared by identity
 */
export class UploadEngine<Downloader, Stream> {
  readonly #slots: UploadSlots<Downloader>;
  readonly #scheduler: UploadScheduler<StreamState<Downloader, Stream>, BlockRequest>;
  readonly #pacing = new Pacing<Rest<Downloader, Stream>>();
  readonly #files = new Map<UploadFile, FileState<Downloader, Stream>>();
  readonly #downloaders = new Map<Downloader, DownloaderState<Downloader, Stream>>();
  readonly #streams = new Map<Stream, StreamState<Downloader, Stream>>();
  /** Streams with requests held back, in the order in which they are reviewed. */
  readonly #parked = new Set<StreamState<Downloader, Stream>>();
  /** Parts whose turn has come; their bytes are already taken from the allowance. */
  #ready: Rest<Downloader, Stream>[] = [];
  #nowMs = 0;
  #effects: UploadEffect<Downloader, Stream>[] = [];

  constructor({ slots, limits = DEFAULT_UPLOAD_LIMITS }: UploadEngineInit) {
    this.#slots = new UploadSlots(slots);
    this.#scheduler = new UploadScheduler(limits);
  }

  /** Number of requests that wait or are held back, and bytes being read or sent. */
  get load(): { readonly waiting: number; readonly bytes: number } {
    return this.#scheduler.load;
  }

  /** When the next `tick` is due; Infinity if none is needed. */
  get wakeMs(): number {
    const [first] = this.#parked;
    const parkedMs = first?.wakeMs ?? Infinity;
    return Math.min(parkedMs, this.#pacing.wakeMs, this.#slots.dueMs, this.#stalled?.atMs ?? Infinity);
  }

  /** Takes one event and returns what to do besides sending. `nowMs` never decreases. */
  handle(event: UploadEvent<Downloader, Stream>, nowMs: number): UploadEffect<Downloader, Stream>[] {
    this.#nowMs = nowMs;
    this.#effects = [];
    this.#dispatch(event);
    // Blocks in progress come before new ones.
    for (const rest of this.#pacing.release(nowMs)) {
      this.#take(rest.state, rest.part.length);
      this.#ready.push(rest);
    }
    return this.#effects;
  }

  /** The next part to send, or a rejection; undefined if nothing may be sent before the next event. */
  next(nowMs: number): UploadEffect<Downloader, Stream> | undefined {
    this.#nowMs = nowMs;
    const rest = this.#ready.shift();
    if (rest) return { type: 'send', stream: rest.state.stream, id: rest.id, part: rest.part };
    for (let job = this.#scheduler.next(); job; job = this.#scheduler.next()) {
      const effect = this.#begin(job);
      if (effect) return effect;
    }
    return undefined;
  }

  #dispatch(event: UploadEvent<Downloader, Stream>): void {
    switch (event.type) {
      case 'downloader-joined':
        return this.#join(event);
      case 'downloader-bitfield':
        return this.#seat(event.downloader, event.has);
      case 'downloader-has':
        return this.#learn(event.downloader, event.pieces);
      case 'downloader-left':
        return this.#leave(event.downloader);
      case 'file-completed':
        this.#review(event.file);
        return;
      case 'stream-opened':
        return this.#open(event);
      case 'tick':
        return this.#tick();
      default:
        break;
    }
    const state = this.#streams.get(event.stream);
    if (state) this.#dispatchOf(state, event);
  }

  #dispatchOf(state: StreamState<Downloader, Stream>, event: StreamEvent<Downloader, Stream>): void {
    switch (event.type) {
      case 'stream-closed':
        return this.#close(state);
      case 'stream-paced':
        return state.allowance.setPace(event.bytesPerSecond, this.#nowMs);
      case 'requested':
        return this.#request(state, event.request);
      case 'cancelled':
        if (this.#scheduler.cancel(state, event.id)) this.#reject(state, event.id, 'cancelled');
        return;
      case 'part-read':
        return this.#read(state, event.id, event.part);
      case 'part-sent':
        return this.#sent(state, event.id, event.part);
      case 'part-failed':
        return this.#failed(state, event);
    }
  }

  #join({
    downloader,
    file,
    party = downloader,
  }: Extract<UploadEvent<Downloader, Stream>, { type: 'downloader-joined' }>): void {
    const streams = new Set<StreamState<Downloader, Stream>>();
    const state = { downloader, party, file, streams, seat: undefined };
    this.#downloaders.set(downloader, state);
    const others = this.#files.get(file);
    if (others) others.downloaders.add(state);
    else this.#files.set(file, { downloaders: new Set([state]), superSeeds: false });
    const { isServed, choked } = this.#slots.enter(downloader, party, this.#nowMs);
    if (!isServed) this.#emit({ type: 'choke', downloader });
    if (choked !== undefined) this.#choke(choked);
  }

  #seat(downloader: Downloader, has: Bitfield): void {
    const state = this.#downloaders.get(downloader);
    if (!state || state.seat) return;
    const { file } = state;
    const member = file.superSeeding.enter(has);
    state.seat = { member, blocks: new SuperSeedBlocks(file.superSeeding, member, file.layout) };
    const allTold = this.#review(file);
    if (!allTold && this.#files.get(file)?.superSeeds)
      this.#emit({ type: 'super-seed', downloader, on: true });
  }

  #learn(downloader: Downloader, pieces: readonly number[]): void {
    const state = this.#downloaders.get(downloader);
    if (!state?.seat) return;
    state.file.superSeeding.learn(state.seat.member, pieces);
    this.#review(state.file);
  }

  #leave(downloader: Downloader): void {
    const state = this.#downloaders.get(downloader);
    if (!state) return;
    const { file, seat, streams } = state;
    this.#downloaders.delete(downloader);
    for (const stream of streams) this.#close(stream);
    const others = this.#files.get(file);
    others?.downloaders.delete(state);
    if (seat) file.superSeeding.leave(seat.member);
    this.#review(file);
    if (others?.downloaders.size === 0) this.#files.delete(file);
    const next = this.#slots.leave(downloader, this.#nowMs);
    if (next !== undefined) this.#emit({ type: 'unchoke', downloader: next });
  }

  /** A downloader has lost its slot: what waits is rejected, what is being sent is finished. */
  #choke(downloader: Downloader): void {
    this.#emit({ type: 'choke', downloader });
    for (const state of this.#downloaders.get(downloader)?.streams ?? []) {
      for (const id of this.#scheduler.drain(state)) this.#reject(state, id, 'choked');
      state.wakeMs = undefined;
      this.#parked.delete(state);
    }
  }

  /**
   * Checks whether super-seeding is useful: the file is complete, and there are pieces that no downloader has. Returns
   * true if that has changed; all downloaders are then notified.
   */
  #review(file: UploadFile): boolean {
    const state = this.#files.get(file);
    const on = file.have.isFull() && file.superSeeding.isUseful;
    if (!state || state.superSeeds === on) return false;
    state.superSeeds = on;
    for (const { downloader, seat, streams } of state.downloaders) {
      if (seat) this.#emit({ type: 'super-seed', downloader, on });
      for (const stream of streams) this.#wake(stream);
    }
    return true;
  }

  #open({
    stream,
    downloader,
    takesParts,
  }: Extract<UploadEvent<Downloader, Stream>, { type: 'stream-opened' }>): void {
    const owner = this.#downloaders.get(downloader);
    if (!owner) return;
    const allowance = new UploadAllowance(owner.file.share, { takesParts });
    const state = newStream(stream, owner, allowance);
    this.#streams.set(stream, state);
    owner.streams.add(state);
    this.#scheduler.open(state, {
      party: owner.party,
      mayServe: () => this.#pacing.mayBegin(allowance, this.#nowMs),
    });
  }

  #close(state: StreamState<Downloader, Stream>): void {
    const { stream, owner, allowance } = state;
    this.#streams.delete(stream);
    owner.streams.delete(state);
    this.#parked.delete(state);
    this.#scheduler.close(state);
    this.#pacing.drop(allowance);
    this.#ready = this.#ready.filter((rest) => rest.state !== state);
    allowance.moved(state.underWay);
  }

  #request(state: StreamState<Downloader, Stream>, request: BlockRequest): void {
    const { stream, owner } = state;
    if ('piece' in request && !owner.file.have.has(request.piece))
      return this.#reject(state, request.id, 'not-available');
    if (!this.#slots.isServed(owner.downloader)) return this.#reject(state, request.id, 'choked');
    const outcome = this.#scheduler.add(state, request);
    if (outcome !== 'queued') this.#emit({ type: 'violation', stream, breach: outcome });
  }

  /** Chooses the block of a super-seeding request now that its turn has come. Undefined if the request is held back. */
  #begin({
    stream: state,
    request,
  }: UploadJob<StreamState<Downloader, Stream>, BlockRequest>): UploadEffect<Downloader, Stream> | undefined {
    const { stream, owner, allowance } = state;
    const { id } = request;
    const place = 'any' in request ? chosenBlock(owner, request.any, this.#nowMs) : request;
    if (place === 'later') {
      this.#park(state, request);
      return undefined;
    }
    if (place === 'none') {
      this.#scheduler.done(state, request);
      return { type: 'reject', stream, id, reason: 'not-available' };
    }
    const part = partOf(place, place.begin, allowance.partLength);
    this.#take(state, part.length);
    const inParts = part.left > 0;
    if (inParts) allowance.isBusy = true;
    state.sending.set(id, { request, place, inParts, onWire: 0 });
    return { type: 'send', stream, id, part };
  }

  #park(state: StreamState<Downloader, Stream>, request: BlockRequest): void {
    this.#scheduler.park(state, request);
    state.wakeMs ??= this.#nowMs + PARKED_MS;
    this.#parked.add(state);
  }

  /** Held-back requests may find a block now, or have nothing left to wait for. */
  #wake(state: StreamState<Downloader, Stream>): void {
    state.wakeMs = undefined;
    this.#parked.delete(state);
    this.#scheduler.wake(state);
  }

  #read(state: StreamState<Downloader, Stream>, id: number, part: Part): void {
    const sending = state.sending.get(id);
    if (!sending) return;
    if (state.onWire === 0) state.progressMs = this.#nowMs;
    sending.onWire = part.length;
    state.onWire += part.length;
  }

  #sent(state: StreamState<Downloader, Stream>, id: number, part: Part): void {
    const { owner, allowance } = state;
    const sending = state.sending.get(id);
    if (!sending) return;
    this.#moved(state, part.length);
    state.onWire -= sending.onWire;
    sending.onWire = 0;
    this.#slots.progress(owner.downloader, this.#nowMs);
    state.progressMs = this.#nowMs;
    if (owner.seat) owner.file.superSeeding.sent(owner.seat.member, part.piece, this.#nowMs);
    if (part.left === 0) return this.#done(state, sending);
    const rest = partOf(sending.place, part.begin + part.length, allowance.partLength);
    this.#pacing.hold({ state, allowance, id, part: rest });
  }

  #failed(
    state: StreamState<Downloader, Stream>,
    { id, part, reason }: { readonly id: number; readonly part: Part; readonly reason: RejectReason },
  ): void {
    const sending = state.sending.get(id);
    if (!sending) return;
    this.#moved(state, part.length);
    this.#done(state, sending);
    this.#reject(state, id, reason);
  }

  #done(state: StreamState<Downloader, Stream>, { request, inParts }: Sending): void {
    state.sending.delete(request.id);
    if (inParts) state.allowance.isBusy = false;
    this.#scheduler.done(state, request);
  }

  #tick(): void {
    for (const state of this.#parked) {
      if ((state.wakeMs ?? 0) > this.#nowMs) break;
      this.#wake(state);
    }
    this.#pacing.tick(this.#nowMs);
    for (const { choked, unchoked } of this.#slots.review(this.#nowMs)) {
      if (choked !== undefined) this.#choke(choked);
      if (unchoked !== undefined) this.#emit({ type: 'unchoke', downloader: unchoked });
    }
    // One at a time: what it frees may be enough.
    const stalled = this.#stalled;
    if (stalled && stalled.atMs <= this.#nowMs)
      this.#emit({ type: 'violation', stream: stalled.stream.stream, breach: 'stalled' });
  }

  get #stalled(): ReturnType<typeof firstStalled<StreamState<Downloader, Stream>>> {
    return this.#scheduler.isExhausted
      ? firstStalled(this.#streams.values(), this.#scheduler.maxBytes)
      : undefined;
  }

  #take(state: StreamState<Downloader, Stream>, bytes: number): void {
    state.underWay += bytes;
    state.allowance.take(bytes);
  }

  #moved(state: StreamState<Downloader, Stream>, bytes: number): void {
    state.underWay -= bytes;
    state.allowance.moved(bytes);
  }

  #reject({ stream }: StreamState<Downloader, Stream>, id: number, reason: RejectReason): void {
    this.#emit({ type: 'reject', stream, id, reason });
  }

  #emit(effect: UploadEffect<Downloader, Stream>): void {
    this.#effects.push(effect);
  }
}
