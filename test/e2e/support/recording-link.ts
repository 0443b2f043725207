import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { parseTcpAddress } from '@enjambre/common/config/address';

/** A wire-tap: forwards connections to a server, and keeps a copy of all bytes in both directions. */
export class RecordingLink {
  readonly #parts: Buffer[] = [];
  readonly #sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {}

  static async to(target: string): Promise<RecordingLink> {
    const server = createServer();
    const link = new RecordingLink(server);
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
      from.on('data', (part: Buffer) => {
        this.#parts.push(part);
        to.write(part);
      });
      from.on('error', () => to.destroy());
      from.on('close', () => {
        this.#sockets.delete(from);
        to.destroy();
      });
    }
  }
}
