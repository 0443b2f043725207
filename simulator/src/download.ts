import { Bitfield } from '@enjambre/core/bitfield';
import type { PeerId } from '@enjambre/core/ids';
import type { BlockRef, RejectReason } from '@enjambre/peer-agent/domain/block';
import { DownloadEngine } from '@enjambre/peer-agent/domain/download/download-engine';
import type { DownloadEffect, DownloadEvent } from '@enjambre/peer-agent/domain/download/messages';
import { DEFAULT_TOTAL_BYTES } from '@enjambre/peer-agent/domain/download/outstanding-budget';
import type { SourceEvent } from '@enjambre/peer-agent/domain/source-event';
import { seededRandom } from '@enjambre/peer-agent/domain/random';
import { Candidates } from '@enjambre/peer-agent/domain/links/candidates';
import type {
  CandidateAddress,
  CandidateEffect,
  CandidateEvent,
} from '@enjambre/peer-agent/domain/links/messages';
import { TICK_MS } from '@enjambre/peer-agent/domain/swarm-constants';
import { Link, type Machine, type Owed, type PeerNews, type Sending } from './link.js';
import type { World } from './world.js';

/** One-way messages before an uploader has the hello: TCP, HTTP/2, challenge, hello. */
const TRIPS_TO_HELLO = 5;

/** One download: the agent's engine, with models of its session and links. */
export class Download {
  finishedMs: number | undefined;
  readonly #engine: DownloadEngine;
  readonly #candidates: Candidates<CandidateAddress>;
  readonly #links = new Map<PeerId, Link>();
  readonly #banned = new Set<PeerId>();
  /** Time at which the disk has written all blocks. */
  #diskFreeMs = 0;

  constructor(
    private readonly world: World,
    private readonly host: Machine,
    seed: number,
  ) {
    const { layout } = world;
    const have = Bitfield.empty(layout.pieceCount);
    const random = seededRandom(seed);
    this.#engine = new DownloadEngine({ layout, have, random, self: host.id }, world.scenario.engine);
    this.#candidates = new Candidates({
      isBanned: (peer) => this.#banned.has(peer),
      random: seededRandom(seed + 1),
    });
  }

  get have(): Bitfield {
    return this.#engine.have;
  }

  links(): Iterable<Link> {
    return this.#links.values();
  }

  /** @param phaseMs offset of its ticks */
  start(phaseMs: number): void {
    this.world.agenda.in(phaseMs, () => {
      this.#tick();
    });
  }

  update(news: PeerNews): void {
    if (this.#runs) this.#choose({ type: 'peers', ...news });
  }

  /** The uploader's hello and bitfield arrived. */
  ready(link: Link, has: Bitfield): void {
    if (!this.#uses(link)) return;
    const distance = this.world.distance(link);
    this.#hear({ type: 'source-joined', source: link.uploader.id, has, distance });
  }

  has(link: Link, pieces: readonly number[]): void {
    if (this.#uses(link)) this.#feed({ type: 'source-has', source: link.uploader.id, pieces });
  }

  choked(link: Link, choked: boolean): void {
    if (this.#uses(link))
      this.#feed({ type: choked ? 'source-choked' : 'source-unchoked', source: link.uploader.id });
  }

  superSeeds(link: Link, on: boolean): void {
    if (this.#uses(link)) this.#feed({ type: 'source-super-seeds', source: link.uploader.id, on });
  }

  /** All bytes of a block arrived. */
  arrived(link: Link, { id, piece, begin, length }: Sending): void {
    if (!this.host.alive) return;
    if (link.closed) {
      this.world.tally.duplicateBytes += length;
      return;
    }
    const { ref: asked } = this.#answered(link, id);
    const ref = { piece, block: begin / this.world.layout.longestBlock };
    if (asked && (asked.piece !== piece || asked.block !== ref.block))
      this.world.fail(`a request for piece ${asked.piece} was answered with ${piece}`);
    this.#hear({ type: 'block-arrived', source: link.uploader.id, id, ref }, link.uploader);
  }

  rejected(link: Link, id: number, reason: RejectReason): void {
    if (!this.#uses(link)) return;
    this.#answered(link, id);
    this.#hear({ type: 'block-rejected', source: link.uploader.id, id, reason });
  }

  /** The uploader died. */
  lost(link: Link): void {
    if (!this.#uses(link)) return;
    this.#forget(link);
    this.#hear({ type: 'source-left', source: link.uploader.id });
  }

  /** Forwards an event of a link to the choice of links and to the engine. */
  #hear(event: SourceEvent, sender?: Machine): void {
    this.#choose(event);
    this.#feed(event, sender);
  }

  get #runs(): boolean {
    return this.host.alive && this.finishedMs === undefined;
  }

  #uses(link: Link): boolean {
    return this.host.alive && !link.closed;
  }

  #tick(): void {
    if (!this.#runs) return;
    this.#choose({ type: 'tick' });
    this.#feed({ type: 'tick' });
    this.world.agenda.in(TICK_MS, () => {
      this.#tick();
    });
  }

  /** Opens and closes links as the agent's own code decides. */
  #choose(event: CandidateEvent<CandidateAddress>): void {
    if (!this.#runs) return;
    for (const effect of this.#candidates.handle(event, this.world.agenda.nowMs)) this.#relink(effect);
  }

  #relink(effect: CandidateEffect<CandidateAddress>): void {
    switch (effect.type) {
      case 'open':
        return this.#open(effect.address.peerId);
      case 'close': {
        const link = this.#links.get(effect.peer);
        if (!link) return;
        this.#hangUp(link);
        this.#feed({ type: 'source-left', source: effect.peer });
        return;
      }
      case 'widen':
        return this.world.widen(this.host);
    }
  }

  #open(peer: PeerId): void {
    const link = new Link(this.host, this.world.host(peer), this.world.layout.pieceCount);
    this.#links.set(peer, link);
    this.#choose({ type: 'dialed', source: peer });
    this.world.agenda.in(TRIPS_TO_HELLO * this.world.latencyMs(link), () => {
      link.uploader.uploader.accept(link);
    });
  }

  #answered(link: Link, id: number): Owed {
    const owed = link.owed.get(id);
    if (!owed) return this.world.fail(`request ${id} was answered twice, or never sent`);
    link.owed.delete(id);
    return owed;
  }

  #feed(event: DownloadEvent, sender?: Machine): void {
    const effects = this.#engine.handle(event, this.world.agenda.nowMs);
    if (effects.length === 0) return;
    let stored: BlockRef | undefined;
    for (const effect of effects) {
      if (effect.type === 'store') stored = effect.ref;
      else this.#apply(effect);
    }
    this.#checkOutstanding();
    if (stored && sender) this.#store(stored, sender);
  }

  #apply(effect: Exclude<DownloadEffect, { type: 'store' }>): void {
    const { world, host } = this;
    switch (effect.type) {
      case 'request':
        return this.#request(effect.source, effect.id, effect.ref);
      case 'request-any':
        return this.#requestAny(effect);
      case 'cancel':
        return this.#cancel(effect.source, effect.id);
      case 'discard':
        world.tally.duplicateBytes += world.layout.blockSize(effect.ref.piece, effect.ref.block);
        return;
      case 'verified':
        world.verified(host, effect.piece);
        return host.verified(effect.piece);
      case 'failed':
        world.tally.spoiltBytes += world.layout.pieceSize(effect.piece);
        return;
      case 'ban':
        return this.#ban(effect.source);
      case 'violation':
        return world.fail(`an honest swarm violated the protocol: ${effect.reason}`);
      case 'complete':
        return this.#complete();
    }
  }

  #request(peer: PeerId, id: number, ref: BlockRef): void {
    const { world } = this;
    if (this.have.has(ref.piece)) world.fail(`requested piece ${ref.piece}, which it already has`);
    const link = this.#owe(peer, id, ref);
    const length = world.layout.blockSize(ref.piece, ref.block);
    const request = { id, piece: ref.piece, begin: world.layout.blockBegin(ref.block), length };
    world.agenda.in(world.latencyMs(link), () => {
      link.uploader.uploader.request(link, request);
    });
  }

  #requestAny({
    source: peer,
    id,
    modulus,
    residue,
  }: Extract<DownloadEffect, { type: 'request-any' }>): void {
    const { world } = this;
    const link = this.#owe(peer, id, undefined);
    const request = { id, length: world.layout.longestBlock, any: { modulus, residue } };
    world.agenda.in(world.latencyMs(link), () => {
      link.uploader.uploader.request(link, request);
    });
  }

  #owe(peer: PeerId, id: number, ref: BlockRef | undefined): Link {
    const link = this.#linkTo(peer);
    this.#choose({ type: 'asked', source: peer });
    if (link.owed.has(id)) this.world.fail(`reused the id of an unanswered request`);
    link.owed.set(id, { ref, askedMs: this.world.agenda.nowMs, cancelled: false });
    return link;
  }

  #cancel(peer: PeerId, id: number): void {
    const link = this.#linkTo(peer);
    const owed = link.owed.get(id);
    if (!owed || owed.cancelled) return this.world.fail(`cancelled request ${id}, which is not open`);
    owed.cancelled = true;
    this.world.agenda.in(this.world.latencyMs(link), () => {
      link.uploader.uploader.cancel(link, id);
    });
  }

  #store(ref: BlockRef, sender: Machine): void {
    const { world } = this;
    world.tally.storedBlocks += 1;
    const digest = sender.digestOf(ref);
    const { diskRate } = this.host.spec;
    if (diskRate === undefined) return this.#feed({ type: 'block-stored', ref, digest });
    const takesMs = (world.layout.blockSize(ref.piece, ref.block) * 1000) / diskRate;
    this.#diskFreeMs = Math.max(this.#diskFreeMs, world.agenda.nowMs) + takesMs;
    world.agenda.at(this.#diskFreeMs, () => {
      if (this.#runs) this.#feed({ type: 'block-stored', ref, digest });
    });
  }

  #ban(peer: PeerId): void {
    this.#banned.add(peer);
    this.world.banned(this.host, this.world.host(peer));
    const link = this.#links.get(peer);
    if (!link) return;
    this.#hangUp(link);
    this.#choose({ type: 'source-left', source: peer });
  }

  #complete(): void {
    this.finishedMs = this.world.agenda.nowMs;
    this.host.tellNow();
    for (const link of [...this.links()]) this.#hangUp(link);
    this.world.completed(this.host);
  }

  /** Ends a link and notifies the uploader. */
  #hangUp(link: Link): void {
    this.#forget(link);
    this.world.agenda.in(this.world.latencyMs(link), () => {
      link.uploader.uploader.close(link);
    });
  }

  #forget(link: Link): void {
    link.closed = true;
    link.owed.clear();
    this.#links.delete(link.uploader.id);
  }

  #linkTo(peer: PeerId): Link {
    return this.#links.get(peer) ?? this.world.fail(`the engine named a peer without a link`);
  }

  #checkOutstanding(): void {
    const bytes = this.#engine.outstandingBytes;
    const { tally, layout } = this.world;
    if (bytes > tally.maxOutstandingBytes) tally.maxOutstandingBytes = bytes;
    if (bytes < 0) this.world.fail('outstanding bytes are negative');
    // The last request may exceed the bound by a part, and a block that was given up may still arrive.
    if (bytes >= DEFAULT_TOTAL_BYTES + 2 * layout.longestBlock)
      this.world.fail(`${bytes} bytes are outstanding`);
  }
}
