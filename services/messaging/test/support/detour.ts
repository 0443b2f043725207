import { once } from 'node:events';
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net';

/** Passes connections on to a port of this machine, from an address of its own. */
export class Detour {
  readonly #sockets = new Set<Socket>();

  private constructor(private readonly server: Server) {}

  static async start(from: string, to: number): Promise<Detour> {
    const server = createServer();
    const detour = new Detour(server);
    server.on('connection', (socket) => {
      const onward = connect({ host: '127.0.0.1', port: to, localAddress: from });
      for (const [one, other] of [
        [socket, onward],
        [onward, socket],
      ] as const) {
        detour.#sockets.add(one);
        one.pipe(other);
        one.on('error', () => other.destroy());
        one.on('close', () => {
          detour.#sockets.delete(one);
          other.destroy();
        });
      }
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return detour;
  }

  get port(): number {
    return (this.server.address() as AddressInfo).port;
  }

  stop(): void {
    this.server.close();
    for (const socket of this.#sockets) socket.destroy();
  }
}
