import { once } from 'node:events';
import type { Socket } from 'node:net';
import type { Address } from '@enjambre/common/config/address';
import { PLAINTEXT } from '@enjambre/rpc/credentials';

/** Raw clients that choose their own address: each of 127.0.0.0/8 is another party. */
export class Strangers {
  readonly #sockets: Socket[] = [];

  constructor(private readonly server: () => Address) {}

  /** A connection from `from` that has sent nothing. */
  async socket(from: string): Promise<Socket> {
    const server = this.server();
    if (server.kind !== 'tcp') throw new Error('strangers connect over TCP');
    const { host, port } = server;
    const socket = PLAINTEXT.connect({ host, port, localAddress: from, noDelay: true }, 'member');
    socket.on('error', () => undefined);
    this.#sockets.push(socket);
    await once(socket, 'connect');
    return socket;
  }

  /** Closes all connections. */
  stop(): void {
    for (const socket of this.#sockets) socket.destroy();
  }
}
