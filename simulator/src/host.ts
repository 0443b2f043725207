import { Bitfield } from '@enjambre/core/bitfield';
import { parsePeerId, type PeerId } from '@enjambre/core/ids';
import type { BlockRef } from '@enjambre/peer-agent/domain/block';
import { HAVE_BATCH_MS } from '@enjambre/peer-agent/domain/swarm-constants';
import { Downlink } from './downlink.js';
import { Download } from './download.js';
import type { Link, Machine } from './link.js';
import type { HostSpec } from './scenario.js';
import { Uplink } from './uplink.js';
import { Uploader } from './uploader.js';
import type { World } from './world.js';

/** A machine with an agent: it downloads unless it is a seeder, and serves what it has. */
export class Host implements Machine {
  readonly id: PeerId;
  readonly uplink: Uplink;
  readonly downlink: Downlink;
  readonly uploader: Uploader;
  /** Undefined in a seeder. */
  readonly download: Download | undefined;
  alive = false;
  joinedMs = 0;
  readonly #all: Bitfield;
  /** Verified pieces that are not announced yet. */
  #fresh: number[] = [];

  constructor(
    private readonly world: World,
    readonly index: number,
    readonly spec: HostSpec,
    seed: number,
  ) {
    this.id = parsePeerId((index + 1).toString(16).padStart(64, '0'));
    this.uplink = new Uplink(world, this, spec.up / 1000);
    this.downlink = new Downlink(world.agenda, spec.down / 1000);
    this.uploader = new Uploader(world, this, seed);
    this.#all = Bitfield.full(spec.seeder ? world.layout.pieceCount : 0);
    this.download = spec.seeder ? undefined : new Download(world, this, seed);
  }

  /** Pieces that it can serve, as a live view. */
  get have(): Bitfield {
    return this.download?.have ?? this.#all;
  }

  /** True if it sometimes sends bad bytes. */
  get isHonest(): boolean {
    return this.spec.corruptsEvery === undefined;
  }

  /** Hash of the bytes that this host sends for a block. */
  digestOf(ref: BlockRef): Buffer {
    const { layout } = this.world;
    const every = this.spec.corruptsEvery;
    const bad = every !== undefined && layout.blockIndex(ref) % every === 0;
    return bad ? layout.badToken(this.index) : layout.token(ref);
  }

  /** A piece was verified: schedules haves to all connected hosts. */
  verified(piece: number): void {
    this.uploader.verified();
    if (this.#fresh.push(piece) > 1) return;
    this.world.agenda.in(HAVE_BATCH_MS, () => {
      if (this.alive) this.tellNow();
    });
  }

  /** Sends haves to all connected hosts. */
  tellNow(): void {
    const pieces = this.#fresh;
    if (pieces.length === 0) return;
    this.#fresh = [];
    this.#spread(this.uploader.links, (link) => link.downloader.download?.has(link, pieces));
    if (this.download)
      this.#spread(this.download.links(), (link) => link.uploader.uploader.learn(link, pieces));
  }

  /** One agenda entry for all hosts at the same distance: haves are the most frequent message. */
  #spread(links: Iterable<Link>, deliver: (link: Link) => void): void {
    const byLatency = new Map<number, Link[]>();
    for (const link of links) {
      const latencyMs = this.world.latencyMs(link);
      const group = byLatency.get(latencyMs);
      if (group) group.push(link);
      else byLatency.set(latencyMs, [link]);
    }
    for (const [latencyMs, group] of byLatency) {
      this.world.agenda.in(latencyMs, () => {
        for (const link of group) deliver(link);
      });
    }
  }
}
