import type { ManagedProcess } from '@enjambre/common/testing/managed-process';
import type { ProcessSwarm } from '@enjambre/common/testing/swarm';

/** A tracker or a relay as it was built, which can be stopped or killed and started again at the same address. */
export class ServiceProcess {
  #process: ManagedProcess | undefined;
  #address = '127.0.0.1:0';

  constructor(
    private readonly swarm: ProcessSwarm,
    readonly kind: 'tracker' | 'messaging',
    private readonly natsUrl: string,
  ) {}

  get address(): string {
    return this.#address;
  }

  async start(): Promise<void> {
    const args = ['--listen', this.#address, '--nats', this.natsUrl, '--log-format', 'json'];
    const service = this.swarm.run([this.kind, ...args]);
    this.#process = service;
    this.#address = await service.waitForLog(
      ({ address }) => (typeof address === 'string' ? address : undefined),
      `the ${this.kind} to listen`,
    );
  }

  /** Ends it, with SIGTERM if it is to end in order. Returns its exit code. */
  async end(how: 'stop' | 'kill'): Promise<number> {
    const service = this.#process;
    if (!service) throw new Error(`the ${this.kind} was not started`);
    if (how === 'stop') return service.stop();
    await service.kill();
    return service.wait();
  }
}
