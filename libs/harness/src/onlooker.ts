import type { NatsConnection, Subscription } from 'nats';
import { connectToNats } from './nats-client.js';
import { waitFor } from './wait-for.js';

/** A message on NATS that should be an event. */
export interface Published {
  readonly subject: string;
  readonly json: unknown;
}

/** A plain subscriber to all events on NATS that keeps them. */
export class Onlooker {
  readonly seen: Published[] = [];
  readonly #subscription: Subscription;

  private constructor(private readonly connection: NatsConnection) {
    this.#subscription = connection.subscribe('enjambre.>', {
      callback: (_, message) => this.seen.push({ subject: message.subject, json: message.json() }),
    });
  }

  static async start(url: string): Promise<Onlooker> {
    const onlooker = new Onlooker(await connectToNats(url));
    await onlooker.connection.flush();
    return onlooker;
  }

  get subjects(): string[] {
    return this.seen.map(({ subject }) => subject);
  }

  /** Resolves when an event on `subject` has arrived. */
  async until(subject: string): Promise<void> {
    await waitFor(() => this.subjects.includes(subject), {
      what: `an event on ${subject}`,
      seen: () => this.subjects,
    });
  }

  /** JSON of the newest recorded event on `subject`. Throws if there is none, or NATS is unreachable. */
  async lastRecorded(subject: string): Promise<string> {
    const { streams } = await this.connection.jetstreamManager();
    return (await streams.getMessage('ENJAMBRE_EVENTS', { last_by_subj: subject })).string();
  }

  async stop(): Promise<void> {
    this.#subscription.unsubscribe();
    await this.connection.close();
  }
}
