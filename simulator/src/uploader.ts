import type { RejectReason } from '@enjambre/peer-agent/domain/engine/messages';
import { UPLOAD_SLOTS } from '@enjambre/peer-agent/domain/swarm-constants';
import { UploadScheduler, type UploadRequest } from '@enjambre/peer-agent/domain/upload/upload-scheduler';
import { UploadSlots } from '@enjambre/peer-agent/domain/upload/upload-slots';
import type { Host } from './host.js';
import type { Link } from './link.js';
import type { World } from './world.js';

/** A host's upload side: the agent's scheduler and slots, and between them what its Sync and Fetch servers do. */
export class Uploader {
  readonly #scheduler = new UploadScheduler<Link>();
  readonly #slots = new UploadSlots<Link>(UPLOAD_SLOTS);
  /** Those who download from here. */
  readonly links = new Set<Link>();
  sentBytes = 0;

  constructor(
    private readonly world: World,
    private readonly host: Host,
  ) {}

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
  }

  /** The downloader's streams are over. */
  close(link: Link): void {
    if (!link.served) return;
    link.served = false;
    link.sending.clear();
    this.links.delete(link);
    this.#scheduler.close(link);
    const next = this.#slots.leave(link);
    if (next) this.#tell(next, () => next.downloader.download?.choked(next, false));
    this.#pump();
  }

  request(link: Link, request: UploadRequest): void {
    if (!link.served || !this.host.alive) return;
    if (link.told.has(request.piece))
      this.world.fail(`was asked for piece ${request.piece} that the asker has`);
    if (!this.#slots.isServed(link)) return this.#reject(link, request.id, 'choked');
    if (!this.host.have.has(request.piece)) return this.#reject(link, request.id, 'not-available');
    const outcome = this.#scheduler.add(link, request);
    if (outcome !== 'queued') this.world.fail(`a request was refused as ${outcome}`);
    this.#pump();
  }

  cancel(link: Link, id: number): void {
    if (!link.served || !this.host.alive) return;
    if (this.#scheduler.cancel(link, id)) this.#reject(link, id, 'cancelled');
  }

  /** The uplink has sent a block. */
  sent(link: Link, request: UploadRequest): void {
    this.sentBytes += request.length;
    this.#scheduler.done(link, request);
    this.#pump();
  }

  /** Pieces that the downloader of a link has since. */
  learn(link: Link, pieces: readonly number[]): void {
    for (const piece of pieces) link.told.set(piece);
  }

  /** What is sent is settled here: `host.have`, `link.told` and what was sent to whom are all at hand. */
  #pump(): void {
    for (let job = this.#scheduler.next(); job; job = this.#scheduler.next()) {
      this.host.uplink.send(job.stream, job.request);
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
