import type { ManagedProcess } from './managed-process.js';
import type { ProcessSwarm } from './swarm.js';

export interface ServiceProcessInit {
  readonly kind: 'tracker' | 'messaging';
  /** Flags besides `--listen` and `--log-format`. */
  readonly args: readonly string[];
}

/** A tracker or a relay as it was built, which can be stopped or killed and started again at the same address. */
export class ServiceProcess {
  #process: ManagedProcess | undefined;
  #address = '127.0.0.1:0';

  constructor(
    protected readonly swarm: ProcessSwarm,
    private readonly init: ServiceProcessInit,
  ) {}

  get address(): string {
    return this.#address;
  }

  /** The end of its log. */
  get log(): string {
    return this.#process?.stdout.slice(-10).join('\n') ?? '';
  }

  async start(): Promise<void> {
    const { kind, args } = this.init;
    const service = this.swarm.run([kind, '--listen', this.#address, '--log-format', 'json', ...args]);
    this.#process = service;
    this.#address = await service.waitForLog(
      ({ address }) => (typeof address === 'string' ? address : undefined),
      `the ${kind} to listen`,
    );
  }

  /** Ends it: in order, with SIGTERM, or at once. Returns its exit code. */
  async end(how: 'stop' | 'kill'): Promise<number> {
    const service = this.#process;
    if (!service) throw new Error(`the ${this.init.kind} was not started`);
    if (how === 'stop') return service.stop();
    await service.kill();
    return service.wait();
  }
}
