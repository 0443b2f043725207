import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { PeerAddress } from '../../src/app/ports/peers.js';

const HEAD_BYTES = 9;

/** Changes an HTTP/2 frame from the uploader in place; true if it did. */
export type Damage = (frame: Buffer) => boolean;

/** A link to an uploader that damages frames on their way to the downloader. */
export class BadLink {
  /** Connections so far. */
  connections = 0;
  /** Frames damaged so far. */
  damaged = 0;
  /** Open connections. */
  open = 0;
  readonly #sockets = new Set<Socket>();
  readonly #server: Server;

  private constructor(
    readonly to: PeerAddress,
    private readonly damage: Damage,
  ) {
    this.#server = createServer((near) => this.#accept(near));
  }

  static async open(to: PeerAddress, damage: Damage): Promise<BadLink> {
    const link = new BadLink(to, damage);
    link.#server.listen(0, '127.0.0.1');
    await once(link.#server, 'listening');
    return link;
  }

  /** The uploader, at this end of the link. */
  get address(): PeerAddress {
    return { ...this.to, endpoint: `127.0.0.1:${(this.#server.address() as AddressInfo).port}` };
  }

  stop(): void {
    this.#server.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #accept(near: Socket): void {
    this.connections += 1;
    this.open += 1;
    near.on('close', () => (this.open -= 1));
    const far = connect(Number(this.to.endpoint.split(':').at(-1)), '127.0.0.1');
    let rest = Buffer.alloc(0);
    far.on('data', (chunk) => {
      rest = Buffer.concat([rest, chunk]);
      for (let end = frameEnd(rest); end <= rest.length; end = frameEnd(rest)) {
        const frame = rest.subarray(0, end);
        rest = rest.subarray(end);
        if (this.damage(frame)) this.damaged += 1;
        near.write(frame);
      }
    });
    near.pipe(far);
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(one);
      one.on('error', () => undefined);
      one.on('close', () => other.destroy());
    }
  }
}

function frameEnd(bytes: Buffer): number {
  return bytes.length < HEAD_BYTES ? Infinity : HEAD_BYTES + bytes.readUIntBE(0, 3);
}
