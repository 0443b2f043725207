import { parseInfoHash } from '@enjambre/core/ids';
import type { Labels } from '@enjambre/core/labels';
import type { Effect } from '@enjambre/tracker/domain/effects';
import type { Session } from '@enjambre/tracker/domain/swarm';
import { SwarmRegistry } from '@enjambre/tracker/domain/swarm-registry';
import { WIDE_WATCH_PEERS } from '@enjambre/peer-agent/domain/swarm-constants';
import type { Agenda } from './agenda.js';
import type { Machine } from './link.js';
import type { ContentSize } from './token-layout.js';

const INFOHASH = parseInfoHash('5e'.repeat(32));

/** The tracker's own registry; its messages reach hosts after their latency. */
export class Tracker {
  readonly #registry: SwarmRegistry;
  readonly #sessions = new Map<Machine, Session>();
  readonly #hosts = new Map<Session, Machine>();

  constructor(
    private readonly agenda: Agenda,
    private readonly content: ContentSize,
    private readonly labelsOf: (host: Machine) => Labels,
    random: () => number,
  ) {
    this.#registry = new SwarmRegistry({ random, startedAt: 0 });
  }

  /** Connects the host, announces its share and, unless it is a seeder, watches the swarm. */
  joined(host: Machine): void {
    const { agenda } = this;
    const peer = {
      id: host.id,
      name: `host ${host.index}`,
      endpoint: '',
      reach: { elsewhere: [`host ${host.index}`], ownHost: [], host: '', ports: [] },
      labels: this.labelsOf(host),
      version: '',
    };
    const { session } = this.#registry.connect(peer, agenda.nowMs);
    this.#sessions.set(host, session);
    this.#hosts.set(session, host);
    if (host.download) {
      this.#announce(host, 'started');
      this.#tell(this.#registry.watch(session, INFOHASH, 0));
    } else {
      const offer = { infohash: INFOHASH, file: this.#file, restated: false };
      this.#tell(this.#registry.share(session, offer, agenda.nowMs));
    }
  }

  completed(host: Machine): void {
    this.#announce(host, 'completed');
    const session = this.#sessions.get(host);
    if (session) this.#registry.unwatch(session, INFOHASH);
  }

  /** The host requests more peers. */
  widen(host: Machine): void {
    const session = this.#sessions.get(host);
    if (session) this.#tell(this.#registry.watch(session, INFOHASH, WIDE_WATCH_PEERS));
  }

  left(host: Machine): void {
    const session = this.#sessions.get(host);
    if (session) this.#tell(this.#registry.disconnect(session, 'died'));
  }

  get #file(): { name: string; size: number; pieceLength: number; fileCount: number } {
    const { bytes, pieceLength } = this.content;
    return { name: 'content', size: bytes, pieceLength, fileCount: 1 };
  }

  #announce(host: Machine, news: 'started' | 'completed'): void {
    const session = this.#sessions.get(host);
    if (!session) return;
    const leftBytes = news === 'completed' ? 0 : this.content.bytes;
    const numbers = { leftBytes, downloadedBytes: 0, uploadedBytes: 0 };
    const report = { infohash: INFOHASH, news, ...numbers, file: this.#file, reason: '', message: '' };
    this.#tell(this.#registry.announce(session, report, this.agenda.nowMs));
  }

  #tell(effects: readonly Effect[]): void {
    for (const effect of effects) {
      if (effect.type !== 'delta') continue;
      const host = this.#hosts.get(effect.to);
      const { snapshot, removed } = effect;
      const upserted = effect.upserted.map(({ peer }) => ({ peerId: peer.id, endpoint: peer.name }));
      const news = { snapshot, upserted, removed };
      this.agenda.in(host?.spec.latencyMs ?? 0, () => host?.download?.update(news));
    }
  }
}
