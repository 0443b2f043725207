import { EnjambreError } from '@enjambre/core/error';
import type { InfoHash, PeerId } from '@enjambre/core/ids';
import { type Metainfo, UnusableTorrent } from '@enjambre/core/metainfo';
import { MetainfoRace } from '../../domain/metainfo-race.js';
import { partyOf } from '../../domain/links/party-turns.js';
import type { Random } from '../../domain/random.js';
import { MAX_LINKS } from '../../domain/swarm-constants.js';
import { searchText } from './metainfo-text.js';
import type { Discovery, SwarmListener } from '../ports/tracker.js';
import type { PeerAddress, PeerConnector } from '../ports/peers.js';
import type { Clock } from '@enjambre/common/async/clock';

export interface MetainfoSearchComponents {
  readonly clock: Clock;
  readonly connector: Pick<PeerConnector, 'fetchMetainfo'>;
  readonly infohash: InfoHash;
  readonly random: Random;
}

/** Fetches the metainfo of a file from the peers of its swarm, several at a time: see {@link MetainfoRace}. */
export class MetainfoSearch implements SwarmListener {
  readonly #peers = new Map<PeerId, PeerAddress>();
  readonly #race: MetainfoRace;
  readonly #asked = new Map<PeerId, AbortController>();
  #found: Metainfo | undefined;
  #wake: (() => void) | undefined;
  #isWoken = false;
  #isWide = false;
  #isTold = false;
  #lastFailure = '';
  #unusable: UnusableTorrent | undefined;

  constructor(private readonly parts: MetainfoSearchComponents) {
    this.#race = new MetainfoRace(parts.random);
  }

  /** State of the search, and why it takes time, for people. */
  get problem(): string {
    const answers = this.#race.answers(this.parts.clock.nowMs());
    const endpointOf = (peer: PeerId): string => this.#peers.get(peer)?.endpoint ?? '';
    return searchText({
      isTold: this.#isTold,
      known: this.#race.size,
      answers,
      endpointOf,
      lastFailure: this.#lastFailure,
    });
  }

  peers({ snapshot, upserted, removed }: Parameters<SwarmListener['peers']>[0]): void {
    this.#isTold = true;
    const named = new Set(upserted.map(({ peerId }) => peerId));
    const gone = snapshot ? [...this.#peers.keys()].filter((peer) => !named.has(peer)) : removed;
    for (const peer of gone) this.#race.forget(peer);
    for (const address of upserted) {
      this.#peers.set(address.peerId, address);
      this.#race.know(address.peerId, { seeder: address.seeder, party: partyOf(address) });
    }
    for (const peer of gone) if (!named.has(peer) && !this.#asked.has(peer)) this.#peers.delete(peer);
    if (upserted.length > 0) this.#rouse();
  }

  /**
   * Searches until a peer delivers the metainfo. Undefined only if `signal` aborts. Throws {@link UnusableTorrent} if
   * a peer delivered one that cannot be used.
   */
  async run(tracker: Discovery, signal: AbortSignal): Promise<Metainfo | undefined> {
    tracker.watch(this.parts.infohash, this);
    try {
      while (!signal.aborted && !this.#found && !this.#unusable) await this.#step(tracker, signal);
      if (this.#unusable && !signal.aborted) throw this.#unusable;
      return signal.aborted ? undefined : this.#found;
    } finally {
      tracker.unwatch(this.parts.infohash);
      for (const abort of this.#asked.values()) abort.abort();
    }
  }

  async #step(tracker: Discovery, signal: AbortSignal): Promise<void> {
    const { ask, drop, needsPeers, waitMs } = this.#race.step(this.parts.clock.nowMs());
    for (const peer of drop) this.#asked.get(peer)?.abort();
    for (const peer of ask) void this.#ask(peer, signal);
    if (needsPeers && this.#race.size >= MAX_LINKS && !this.#isWide) {
      this.#isWide = true;
      tracker.widen(this.parts.infohash);
    }
    await this.#pause(waitMs, signal);
  }

  async #ask(peer: PeerId, signal: AbortSignal): Promise<void> {
    const address = this.#peers.get(peer);
    if (!address) {
      this.#race.failed(peer, this.parts.clock.nowMs());
      return;
    }
    const abort = new AbortController();
    this.#asked.set(peer, abort);
    const { connector, infohash } = this.parts;
    const either = AbortSignal.any([signal, abort.signal]);
    const progress = {
      dialed: (): void => {
        if (!either.aborted) this.#race.dialed(peer, this.parts.clock.nowMs());
      },
      received: (bytes: number, total: number): void => {
        if (!either.aborted) this.#race.received(peer, { bytes, total });
      },
    };
    try {
      const found = await connector.fetchMetainfo(address, infohash, either, progress);
      this.#found ??= found;
    } catch (error) {
      if (either.aborted) return;
      const known = EnjambreError.from(error);
      const { message, reason, retryAfterMs } = known;
      if (known instanceof UnusableTorrent) this.#unusable ??= known;
      this.#lastFailure = `${address.name} at ${address.endpoint} did not send the metainfo: ${message}`;
      const failure = reason === 'BAD_METAINFO' ? 'false' : 'silent or refused';
      this.#race.failed(peer, this.parts.clock.nowMs(), failure, retryAfterMs);
    } finally {
      if (this.#asked.get(peer) === abort) this.#asked.delete(peer);
      this.#rouse();
    }
  }

  #rouse(): void {
    this.#isWoken = true;
    this.#wake?.();
  }

  /** Sleeps until the next step is due, or an event wakes it. */
  async #pause(ms: number, signal: AbortSignal): Promise<void> {
    if (!this.#isWoken) {
      const woken = new AbortController();
      this.#wake = () => {
        woken.abort();
      };
      await this.parts.clock.sleep(ms, AbortSignal.any([signal, woken.signal]));
      this.#wake = undefined;
    }
    this.#isWoken = false;
  }
}
