import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { parseTcpAddress } from '@enjambre/common/config/address';

const FAULT_AFTER = 1 << 20;

/** A wire-tap: forwards connections to a server, and keeps a copy of all bytes in both directions. */
export class RecordingLink {
  readonly #parts: Buffer[] = [];
  readonly #sockets = new Set<Socket>();
  /** Connections on which it may still flip a bit. */
  #faults = 0;
  /** Connections on which it has. */
  flipped = 0;

  private constructor(private readonly server: Server) {}

  /**
   * @param faults flips one bit of what the server sends, after 1 MiB, on the first so many connections that carry it
   * @default 0
   */
  static async to(target: string, { faults = 0 } = {}): Promise<RecordingLink> {
    const server = createServer();
    const link = new RecordingLink(server);
    link.#faults = faults;
    server.on('connection', (near) => {
      const { host, port } = parseTcpAddress(target);
      link.#join(near, connect({ host, port }));
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return link;
  }

  get address(): string {
    return `127.0.0.1:${String((this.server.address() as AddressInfo).port)}`;
  }

  /** All bytes so far. */
  get recorded(): Buffer {
    return Buffer.concat(this.#parts);
  }

  stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    return new Promise((closed) => this.server.close(() => closed()));
  }

  #join(near: Socket, far: Socket): void {
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(from);
      let passed = 0;
      from.on('data', (part: Buffer) => {
        this.#parts.push(part);
        passed += part.length;
        if (from === far && passed > FAULT_AFTER && this.#faults > 0) {
          this.#faults -= 1;
          this.flipped += 1;
          passed = Number.NEGATIVE_INFINITY;
          to.write(flip(part));
        } else to.write(part);
      });
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }
}

function flip(part: Buffer): Buffer {
  const changed = Buffer.from(part);
  changed[changed.length >> 1] = (changed[changed.length >> 1] ?? 0) ^ 1;
  return changed;
}
