import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';

/** Announce interval of peers, in seconds. */
const INTERVAL_S = 5;

/** A minimal BitTorrent tracker (BEP 3, compact peers of BEP 23) for one swarm of aria2. */
export class HttpTracker {
  readonly #server: Server;
  /** Peers by their "ADDRESS:PORT". */
  readonly #peers = new Map<string, { compact: Buffer; seeder: boolean }>();

  private constructor() {
    this.#server = createServer((request, response) => {
      const { searchParams } = new URL(request.url ?? '/', 'http://tracker');
      const address = (request.socket.remoteAddress ?? '').replace('::ffff:', '');
      response.end(this.#announce(address, searchParams));
    });
  }

  static async start(address: string): Promise<HttpTracker> {
    const tracker = new HttpTracker();
    await new Promise<void>((resolve) => tracker.#server.listen(0, address, resolve));
    return tracker;
  }

  get url(): string {
    const { address, port } = this.#server.address() as AddressInfo;
    return `http://${address}:${port}/announce`;
  }

  get hasSeeder(): boolean {
    return [...this.#peers.values()].some(({ seeder }) => seeder);
  }

  stop(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }

  #announce(address: string, query: URLSearchParams): Buffer {
    const port = Number(query.get('port'));
    const key = `${address}:${port}`;
    const others = [...this.#peers].filter(([other]) => other !== key).map(([, { compact }]) => compact);
    if (query.get('event') === 'stopped') this.#peers.delete(key);
    else {
      const compact = Buffer.from([...address.split('.').map(Number), port >> 8, port & 0xff]);
      this.#peers.set(key, { compact, seeder: query.get('left') === '0' });
    }
    const peers = Buffer.concat(others);
    return Buffer.concat([
      Buffer.from(`d8:intervali${INTERVAL_S}e5:peers${peers.length}:`),
      peers,
      Buffer.from('e'),
    ]);
  }
}
