import { Fifo } from './fifo.js';
import type { Link, Machine, Sending, Way } from './link.js';
import type { World } from './world.js';

/**
 * The uplink of a host: one block at a time at full rate, links in turn, which to within a block is the same as equal
 * TCP streams. A link whose receiver has no room is skipped until it has.
 */
export class Uplink {
  readonly #line = new Fifo<Link>();
  #busy = false;

  constructor(
    private readonly world: World,
    private readonly host: Machine,
    private readonly bytesPerMs: number,
  ) {}

  /** Sends a block when the link's turn comes. */
  send(link: Link, request: Sending): void {
    link.sending.push(request);
    if (!link.lined) this.line(link);
  }

  /** Queues a link, also one that waited for its receiver. */
  line(link: Link): void {
    link.lined = true;
    this.#line.push(link);
    this.#next();
  }

  #next(): void {
    while (!this.#busy && this.host.alive) {
      const link = this.#line.shift();
      if (!link) return;
      if (!link.served || link.sending.size === 0) {
        link.lined = false;
        continue;
      }
      const latencyMs = this.world.latencyMs(link);
      const full = this.#ways(link).find((way) => !way.hasRoom(link, latencyMs));
      if (full) full.wait(link, latencyMs);
      else this.#transmit(link, latencyMs);
    }
  }

  /** The bottlenecks on the path of a block, beyond this uplink. */
  #ways(link: Link): Way[] {
    const trunk = this.world.trunk(link);
    return trunk ? [trunk, link.downloader.downlink] : [link.downloader.downlink];
  }

  #count({ downloader: { spec } }: Link, bytes: number): void {
    if (spec.zone === undefined || spec.zone === this.host.spec.zone) return;
    const { crossed } = this.world.tally;
    crossed.set(spec.zone, (crossed.get(spec.zone) ?? 0) + bytes);
  }

  #transmit(link: Link, latencyMs: number): void {
    const request = link.sending.shift();
    if (!request) return;
    link.hasWaited = false;
    if (link.sending.size > 0) this.#line.push(link);
    else link.lined = false;
    this.#busy = true;
    const { agenda } = this.world;
    const firstMs = agenda.nowMs + latencyMs;
    const passedMs = Math.max(...this.#ways(link).map((way) => way.take(request.length, firstMs)));
    this.#count(link, request.length);
    agenda.in(request.length / this.bytesPerMs, () => {
      this.#busy = false;
      if (!this.host.alive) return;
      agenda.at(Math.max(passedMs, agenda.nowMs + latencyMs), () => {
        link.downloader.download?.arrived(link, request);
      });
      this.host.uploader.sent(link, request);
      this.#next();
    });
  }
}
