import type { ManagedProcess } from '@enjambre/harness/managed-process';
import type { ProcessSwarm } from '@enjambre/harness/swarm';

/** The built messaging service, in a process that can be killed and started again at the same address. */
export class MessagingProcess {
  #process: ManagedProcess | undefined;
  #address = '127.0.0.1:0';

  constructor(
    private readonly swarm: ProcessSwarm,
    private readonly natsUrl: string,
  ) {}

  get address(): string {
    return this.#address;
  }

  async start(): Promise<void> {
    const messaging = this.swarm.run([
      'messaging',
      ...['--listen', this.#address, '--nats', this.natsUrl, '--log-format', 'json', '--log-level', 'info'],
      // No rate limit for the storm.
      ...['--message-rate', '1000000', '--address-budget', '100'],
    ]);
    this.#process = messaging;
    this.#address = await messaging.waitForLog(
      ({ address }) => (typeof address === 'string' ? address : undefined),
      'the messaging service to listen',
    );
  }

  /** SIGKILL. */
  async kill(): Promise<void> {
    await this.#process?.kill();
  }
}
