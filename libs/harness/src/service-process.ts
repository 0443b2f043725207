import type { ManagedProcess } from './managed-process.js';
import type { ProcessSwarm } from './swarm.js';

export interface ServiceProcessInit {
  readonly kind: 'tracker' | 'messaging';
  /** Flags in addition to `--listen` and `--log-format`. */
  readonly args: readonly string[];
}

/** A built tracker or messaging service that can be stopped or killed, and restarted at the same address. */
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

  /** The last lines of its log. */
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

  /** Ends it with SIGTERM, or with SIGKILL. Returns its exit code. */
  async end(how: 'stop' | 'kill'): Promise<number> {
    const service = this.#process;
    if (!service) throw new Error(`the ${this.init.kind} was not started`);
    if (how === 'stop') return service.stop();
    await service.kill();
    return service.wait();
  }
}
