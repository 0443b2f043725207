import { createServer, connect, type AddressInfo, type Server, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { parseAddress } from '@enjambre/common/config/address';

/**
 * A TCP proxy in front of an agent that limits the bytes per second towards
 * downloaders, so that a test can act during a download, whatever
 * the machine's speed. The agent must advertise `address`.
 */
export class SlowLink {
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #target = '';
  #freeAtMs = 0;

  private constructor(
    /** Over all connections; may be changed at any time. */
    public bytesPerSecond: number,
  ) {
    this.#server = createServer((near) => {
      this.#relay(near);
    });
  }

  static async open(bytesPerSecond: number): Promise<SlowLink> {
    const link = new SlowLink(bytesPerSecond);
    await new Promise<void>((resolve) => link.#server.listen(0, '127.0.0.1', resolve));
    return link;
  }

  /** "HOST:PORT" of this side. */
  get address(): string {
    return `127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Sets its target, "HOST:PORT". */
  leadTo(target: string): void {
    this.#target = target;
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #relay(near: Socket): void {
    const target = parseAddress(this.#target);
    if (target.kind !== 'tcp') throw new Error(`the target of a link must be HOST:PORT, not ${this.#target}`);
    const far = connect(target.port, target.host);
    for (const [socket, other] of [
      [near, far],
      [far, near],
    ] as const) {
      this.#sockets.add(socket);
      socket.on('error', () => undefined);
      socket.on('close', () => {
        this.#sockets.delete(socket);
        other.destroy();
      });
    }
    near.pipe(far);
    this.#pass(far, near).catch(() => near.destroy());
  }

  async #pass(from: Socket, to: Socket): Promise<void> {
    for await (const chunk of from) {
      const bytes = chunk as Buffer;
      const startMs = Math.max(Date.now(), this.#freeAtMs);
      this.#freeAtMs = startMs + (bytes.length / this.bytesPerSecond) * 1000;
      if (startMs > Date.now()) await delay(startMs - Date.now());
      await new Promise<void>((resolve, reject) => {
        to.write(bytes, (error) => {
          if (error) reject(error);
          else resolve();
        });
      });
    }
    to.end();
  }
}
