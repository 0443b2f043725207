import { RateLimiter } from '@enjambre/peer-agent/domain/limits/rate-limiter';
import { UPLOAD_SLOTS } from '@enjambre/peer-agent/domain/swarm-constants';
import { seededRandom } from '@enjambre/peer-agent/domain/random';
import type {
  BlockRequest,
  UploadEffect,
  UploadEvent,
  UploadFile,
} from '@enjambre/peer-agent/domain/upload/messages';
import { SuperSeeding } from '@enjambre/peer-agent/domain/upload/super-seeding';
import { UploadEngine } from '@enjambre/peer-agent/domain/upload/upload-engine';
import type { Link, Machine, Sending } from './link.js';
import type { World } from './world.js';

/** The upload side of a host: the agent's upload engine, whose effects take virtual time. */
export class Uploader {
  readonly #engine = new UploadEngine<Link, Link>({ slots: UPLOAD_SLOTS });
  readonly #file: UploadFile;
  /** Links of the downloaders. */
  readonly links = new Set<Link>();
  sentBytes = 0;
  /** Time of the next tick of the engine. */
  #wakeMs = Infinity;

  constructor(
    private readonly world: World,
    private readonly host: Machine,
    seed: number,
  ) {
    this.#file = {
      layout: world.layout,
      get have() {
        return host.have;
      },
      share: new RateLimiter().share(),
      superSeeding: new SuperSeeding(world.layout.pieceCount, seededRandom(seed)),
    };
  }

  /** The hello of a downloader arrived, with its bitfield. */
  accept(link: Link): void {
    if (link.closed) return;
    if (!this.host.alive) return this.#refuse(link);
    link.served = true;
    link.told = link.downloader.have.clone();
    this.links.add(link);
    const has = this.host.have.clone();
    this.#tell(link, () => link.downloader.download?.ready(link, has));
    this.#feed({ type: 'downloader-joined', downloader: link, file: this.#file });
    this.#feed({ type: 'stream-opened', stream: link, downloader: link, takesParts: true });
    this.#feed({ type: 'downloader-bitfield', downloader: link, has: link.told });
  }

  /** The downloader's streams ended. */
  close(link: Link): void {
    if (!link.served) return;
    link.served = false;
    link.sending.clear();
    this.links.delete(link);
    this.#feed({ type: 'downloader-left', downloader: link });
  }

  request(link: Link, request: BlockRequest): void {
    if (!link.served || !this.host.alive) return;
    if ('piece' in request && link.told.has(request.piece))
      this.world.fail(`received a request for piece ${request.piece}, which the downloader has`);
    this.#feed({ type: 'requested', stream: link, request });
  }

  cancel(link: Link, id: number): void {
    if (link.served && this.host.alive) this.#feed({ type: 'cancelled', stream: link, id });
  }

  /** The uplink has sent a block. */
  sent(link: Link, { id, ...part }: Sending): void {
    this.sentBytes += part.length;
    this.#feed({ type: 'part-sent', stream: link, id, part });
  }

  /** Haves of the downloader of a link arrived. */
  learn(link: Link, pieces: readonly number[]): void {
    for (const piece of pieces) link.told.set(piece);
    this.#feed({ type: 'downloader-has', downloader: link, pieces });
  }

  /** The host has verified a piece. */
  verified(): void {
    if (this.host.have.isFull()) this.#feed({ type: 'file-completed', file: this.#file });
  }

  #feed(event: UploadEvent<Link, Link>): void {
    const { nowMs } = this.world.agenda;
    for (const effect of this.#engine.handle(event, nowMs)) this.#apply(effect);
    for (let effect = this.#engine.next(nowMs); effect; effect = this.#engine.next(nowMs))
      this.#apply(effect);
    this.#wakeLater();
  }

  #apply(effect: UploadEffect<Link, Link>): void {
    switch (effect.type) {
      case 'send':
        return this.host.uplink.send(effect.stream, { ...effect.part, id: effect.id });
      case 'reject': {
        const { stream: link, id, reason } = effect;
        return this.#tell(link, () => link.downloader.download?.rejected(link, id, reason));
      }
      case 'violation':
        return this.world.fail(`a request was refused as ${effect.breach}`);
      case 'choke':
      case 'unchoke': {
        const { downloader: link, type } = effect;
        return this.#tell(link, () => link.downloader.download?.choked(link, type === 'choke'));
      }
      case 'super-seed': {
        const { downloader: link, on } = effect;
        return this.#tell(link, () => link.downloader.download?.superSeeds(link, on));
      }
    }
  }

  #wakeLater(): void {
    const { agenda } = this.world;
    const { wakeMs } = this.#engine;
    if (wakeMs >= this.#wakeMs) return;
    this.#wakeMs = wakeMs;
    agenda.at(wakeMs, () => {
      this.#wakeMs = Infinity;
      this.#feed({ type: 'tick' });
    });
  }

  /** The host does not answer. */
  #refuse(link: Link): void {
    this.world.agenda.in(this.world.latencyMs(link), () => link.downloader.download?.lost(link));
  }

  #tell(link: Link, action: () => void): void {
    this.world.agenda.in(this.world.latencyMs(link), () => {
      if (this.host.alive) action();
    });
  }
}
