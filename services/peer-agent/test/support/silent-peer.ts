import { createServer as createHttp2Server } from 'node:http2';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import type { PeerAddress } from '../../src/app/ports/peers.js';
import { peerNamed } from './ids.js';

/**
 * A peer that only accepts connections: it sends nothing at all (`tcp`), or speaks HTTP/2 without answering requests.
 */
export class SilentPeer {
  /** Connections accepted so far. */
  visits = 0;
  readonly #sockets = new Set<Socket>();

  private constructor(
    readonly name: string,
    readonly server: Server,
  ) {
    server.on('connection', (socket: Socket) => {
      this.visits += 1;
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => this.#sockets.delete(socket));
    });
  }

  static async start(name: string, speaks: 'tcp' | 'http2'): Promise<SilentPeer> {
    const server = speaks === 'tcp' ? createServer((socket) => socket.resume()) : createHttp2Server();
    const peer = new SilentPeer(name, server);
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return peer;
  }

  get address(): PeerAddress {
    const { port } = this.server.address() as AddressInfo;
    return { peerId: peerNamed(this.name), name: this.name, endpoint: `127.0.0.1:${port}`, seeder: true };
  }

  stop(): void {
    this.server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
