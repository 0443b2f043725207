import type { ManagedProcess } from '@enjambre/common/testing/managed-process';
import { finish, type ProcessSwarm } from '@enjambre/common/testing/swarm';

/** A tracker as it was built, in a process that can be killed and started again at the same address. */
export class TrackerProcess {
  #process: ManagedProcess | undefined;
  #address = '127.0.0.1:0';

  constructor(
    private readonly swarm: ProcessSwarm,
    private readonly name: string,
    private readonly natsUrl: string,
  ) {}

  get address(): string {
    return this.#address;
  }

  async start(): Promise<void> {
    const tracker = this.swarm.run([
      ...['tracker', '--name', this.name, '--listen', this.#address],
      ...['--nats', this.natsUrl, '--log-format', 'json'],
    ]);
    this.#process = tracker;
    this.#address = await tracker.waitForLog(
      ({ address }) => (typeof address === 'string' ? address : undefined),
      'the tracker to listen',
    );
  }

  /** The end of its log. */
  get log(): string {
    return this.#process?.stdout.slice(-10).join('\n') ?? '';
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.#process?.kill();
  }

  /** What `enjambre files` or `enjambre peers` says of it, a line each. */
  async list(what: 'files' | 'peers'): Promise<readonly Record<string, unknown>[]> {
    const { json, code, stderr } = await finish(this.swarm.run([what, '--tracker', this.#address, '--json']));
    if (code !== 0) throw new Error(`enjambre ${what} ended with ${code}: ${stderr}`);
    return json;
  }
}
