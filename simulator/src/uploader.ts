import type { RejectReason } from '@enjambre/peer-agent/domain/engine/messages';
import { PARKED_MS, UPLOAD_SLOTS } from '@enjambre/peer-agent/domain/swarm-constants';
import { seededRandom } from '@enjambre/peer-agent/domain/random';
import { ChosenBlocks, type BlockPlace } from '@enjambre/peer-agent/domain/upload/chosen-blocks';
import type { PieceClass } from '@enjambre/peer-agent/domain/upload/piece-class';
import { PieceSpread } from '@enjambre/peer-agent/domain/upload/piece-spread';
import { UploadScheduler } from '@enjambre/peer-agent/domain/upload/upload-scheduler';
import { UploadSlots } from '@enjambre/peer-agent/domain/upload/upload-slots';
import type { Host } from './host.js';
import type { Link, Sending, Wanted } from './link.js';
import type { World } from './world.js';

/** A host's upload side: the agent's scheduler and slots, and between them what its Sync and Fetch servers do. */
export class Uploader {
  readonly #scheduler = new UploadScheduler<Link, Wanted>();
  readonly #slots = new UploadSlots<Link>(UPLOAD_SLOTS);
  /** Those who download from here. */
  readonly links = new Set<Link>();
  sentBytes = 0;
  readonly #spread: PieceSpread;
  #spreads = false;

  constructor(
    private readonly world: World,
    private readonly host: Host,
    seed: number,
  ) {
    this.#spread = new PieceSpread(world.layout.pieceCount, seededRandom(seed));
  }

  /** The hello of a downloader came, with what it has. */
  accept(link: Link): void {
    if (link.closed) return;
    if (!this.host.alive) return this.#refuse(link);
    link.served = true;
    link.told = link.downloader.have.clone();
    this.links.add(link);
    this.#scheduler.open(link);
    const choked = !this.#slots.enter(link);
    const has = this.host.have.clone();
    this.#tell(link, () => link.downloader.download?.ready(link, { has, choked }));
    const member = this.#spread.enter(link.told);
    link.seat = { member, blocks: new ChosenBlocks(this.#spread, member, this.world.layout) };
    this.#review();
    if (this.#spreads) this.#tell(link, () => link.downloader.download?.spreads(link, true));
  }

  /** The downloader's streams are over. */
  close(link: Link): void {
    if (!link.served) return;
    link.served = false;
    link.sending.clear();
    this.links.delete(link);
    this.#scheduler.close(link);
    if (link.seat) this.#spread.leave(link.seat.member);
    this.#review();
    const next = this.#slots.leave(link);
    if (next) this.#tell(next, () => next.downloader.download?.choked(next, false));
    this.#pump();
  }

  request(link: Link, request: Wanted): void {
    if (!link.served || !this.host.alive) return;
    if ('any' in request) return this.#queue(link, request);
    if (link.told.has(request.piece))
      this.world.fail(`was asked for piece ${request.piece} that the asker has`);
    if (!this.host.have.has(request.piece)) return this.#reject(link, request.id, 'not-available');
    this.#queue(link, request);
  }

  #queue(link: Link, request: Wanted): void {
    if (!this.#slots.isServed(link)) return this.#reject(link, request.id, 'choked');
    const outcome = this.#scheduler.add(link, request);
    if (outcome !== 'queued') this.world.fail(`a request was refused as ${outcome}`);
    this.#pump();
  }

  cancel(link: Link, id: number): void {
    if (!link.served || !this.host.alive) return;
    if (this.#scheduler.cancel(link, id)) this.#reject(link, id, 'cancelled');
  }

  /** The uplink has sent a block. */
  sent(link: Link, request: Sending): void {
    this.sentBytes += request.length;
    if (link.seat) this.#spread.sent(link.seat.member, request.piece, this.world.agenda.nowMs);
    this.#scheduler.done(link, request);
    this.#pump();
  }

  /** Pieces that the downloader of a link has since. */
  learn(link: Link, pieces: readonly number[]): void {
    for (const piece of pieces) link.told.set(piece);
    if (link.seat) this.#spread.learn(link.seat.member, pieces);
    this.#review();
  }

  /** The host has a piece more. */
  verified(): void {
    this.#review();
  }

  /** What is sent is settled here: `host.have`, `link.told` and what was sent to whom are all at hand. */
  #pump(): void {
    for (let job = this.#scheduler.next(); job; job = this.#scheduler.next()) {
      const { stream: link, request } = job;
      const place = 'any' in request ? this.#choose(link, request) : request;
      if (place) this.host.uplink.send(link, { ...place, id: request.id });
    }
  }

  #choose(link: Link, request: Wanted & { readonly any: PieceClass }): BlockPlace | undefined {
    const { agenda } = this.world;
    const choice = link.seat?.blocks.next(request.any, agenda.nowMs) ?? 'none';
    if (choice === 'later') {
      this.#scheduler.park(link, request);
      if (!link.waking) agenda.in(PARKED_MS, () => this.#wake(link));
      link.waking = true;
      return undefined;
    }
    if (choice !== 'none') return choice;
    this.#scheduler.done(link, request);
    this.#reject(link, request.id, 'not-available');
    return undefined;
  }

  #wake(link: Link): void {
    link.waking = false;
    this.#scheduler.wake(link);
    this.#pump();
  }

  /** Whether it is of use to choose for the downloaders; they are told when that changes. */
  #review(): void {
    const spreads = this.host.alive && this.host.have.isFull() && this.#spread.isUseful;
    if (spreads === this.#spreads) return;
    this.#spreads = spreads;
    for (const link of this.links) {
      if (!link.seat) continue;
      this.#tell(link, () => link.downloader.download?.spreads(link, spreads));
      this.#wake(link);
    }
  }

  /** Nobody answers there. */
  #refuse(link: Link): void {
    this.world.agenda.in(this.world.latencyMs(link), () => link.downloader.download?.lost(link));
  }

  #reject(link: Link, id: number, reason: RejectReason): void {
    this.#tell(link, () => link.downloader.download?.rejected(link, id, reason));
  }

  #tell(link: Link, action: () => void): void {
    this.world.agenda.in(this.world.latencyMs(link), () => {
      if (this.host.alive) action();
    });
  }
}
