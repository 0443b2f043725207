import { randomInt } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ManagedProcess } from './managed-process.js';
import { waitFor } from './wait-for.js';

/**
 * Outside the ephemeral port range: while the server is down, between {@link NatsServer.kill} and
 * {@link NatsServer.restart}, no other process may get its port.
 */
const FIRST_PORT = 15_000;
const LAST_PORT = 30_000;
const MAX_ATTEMPTS = 5;

/**
 * A real nats-server with JetStream (Debian's package `nats-server`), on a free loopback port, with a store
 * that survives {@link kill}.
 */
export class NatsServer {
  #process: ManagedProcess | undefined;
  #port = -1;

  private constructor(
    private readonly root: string,
    private readonly args: readonly string[],
  ) {}

  /**
   * Throws if nats-server is not installed: tests that need it must fail, not be skipped.
   *
   * @param args additional flags
   */
  static async start(args: readonly string[] = []): Promise<NatsServer> {
    const server = new NatsServer(await mkdtemp(join(tmpdir(), 'enjambre-nats-')), args);
    for (let attempt = 1; ; attempt++) {
      server.#port = randomInt(FIRST_PORT, LAST_PORT);
      try {
        await server.restart();
        return server;
      } catch (error) {
        if (attempt < MAX_ATTEMPTS) continue;
        await server.stop();
        throw error;
      }
    }
  }

  get url(): string {
    return `nats://127.0.0.1:${this.#port}`;
  }

  /** Restarts it on the same port and store. */
  async restart(): Promise<void> {
    const ports = await mkdtemp(join(this.root, 'ports-'));
    const store = join(this.root, 'store');
    const server = new ManagedProcess('nats-server', [
      ...['-a', '127.0.0.1', '-p', String(this.#port), '-js', '-sd', store, '--ports_file_dir', ports],
      ...this.args,
    ]);
    this.#process = server;
    const missing = server.wait().then(
      () => new Promise<never>(() => undefined),
      (error: unknown) => Promise.reject(new Error(`${String(error)}: install Debian's package nats-server`)),
    );
    const listening = waitFor(() => portIn(ports, server), {
      what: 'nats-server to listen',
      seen: () => server.stderr.slice(-5).join('\n'),
    });
    this.#port = await Promise.race([listening, missing]);
  }

  /** Sends SIGKILL. Acknowledged data stays in its store. */
  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  /** Stops it and removes its store. */
  async stop(): Promise<void> {
    await this.#process?.stop().catch(() => undefined);
    await rm(this.root, { recursive: true, force: true });
  }
}

async function portIn(folder: string, server: ManagedProcess): Promise<number | undefined> {
  if (!server.isRunning) {
    const code = await server.wait();
    throw new Error(`nats-server ended with exit code ${code}: ${server.stderr.slice(-5).join('\n')}`);
  }
  const [file] = await readdir(folder);
  if (file === undefined) return undefined;
  const text = await readFile(join(folder, file), 'utf8');
  if (text === '') return undefined;
  const { nats } = JSON.parse(text) as { nats: string[] };
  return Number(new URL(nats[0] ?? '').port);
}
