import { messageOf } from '@enjambre/core/error';
import type { InfoHash, PeerId } from '@enjambre/core/ids';
import type { Metainfo } from '@enjambre/core/metainfo';
import { Backoff } from '@enjambre/common/async/backoff';
import { sleep } from '@enjambre/common/async/sleep';
import type { PeerAddress, PeerConnector, SwarmListener, TrackerPort } from './ports.js';

/** Asks the peers of a swarm, one after the other, for the metainfo of its file. */
export class MetainfoSearch implements SwarmListener {
  readonly #peers = new Map<PeerId, PeerAddress>();
  readonly #backoff = new Backoff({ baseMs: 200, maxMs: 5000 });
  #wake: (() => void) | undefined;
  #problem = 'no peer that has it is known yet';

  constructor(
    private readonly connector: PeerConnector,
    private readonly infohash: InfoHash,
  ) {}

  /** Why it takes so long, for people. */
  get problem(): string {
    return this.#problem;
  }

  peers(change: Parameters<SwarmListener['peers']>[0]): void {
    for (const peer of change.upserted) this.#peers.set(peer.peerId, peer);
    for (const peer of change.removed) this.#peers.delete(peer);
    if (change.upserted.length > 0) this.#wake?.();
  }

  /** Goes on until a peer that the tracker names answers. Undefined only if `signal` aborts. */
  async run(tracker: TrackerPort, signal: AbortSignal): Promise<Metainfo | undefined> {
    tracker.watch(this.infohash, this);
    try {
      return await this.#untilFound(signal);
    } finally {
      tracker.unwatch(this.infohash);
    }
  }

  async #untilFound(signal: AbortSignal): Promise<Metainfo | undefined> {
    while (!signal.aborted) {
      const found = await this.#askAll(signal);
      if (found) return found;
      await this.#pause(signal);
    }
    return undefined;
  }

  async #askAll(signal: AbortSignal): Promise<Metainfo | undefined> {
    for (const peer of [...this.#peers.values()]) {
      const found = signal.aborted ? undefined : await this.#ask(peer, signal);
      if (found) return found;
    }
    return undefined;
  }

  async #ask(peer: PeerAddress, signal: AbortSignal): Promise<Metainfo | undefined> {
    try {
      return await this.connector.fetchMetainfo(peer, this.infohash, signal);
    } catch (error) {
      this.#problem = `${peer.name} at ${peer.endpoint} did not give the metainfo: ${messageOf(error)}`;
      return undefined;
    }
  }

  /** Until the next attempt is due or a new peer is known. */
  async #pause(signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => {
      woken.abort();
    };
    await sleep(
      this.#peers.size === 0 ? 60_000 : this.#backoff.next(),
      AbortSignal.any([signal, woken.signal]),
    );
  }
}
