import type { NatsServer } from '@enjambre/harness/nats-server';
import { waitFor } from '@enjambre/harness/wait-for';
import type { TrackerOverrides } from '../../src/service.js';
import { Harness } from '../harness.js';

/** Several trackers on one NATS, stopped together. */
export class Replicas {
  readonly all: Harness[] = [];
  readonly #url: string;

  constructor(nats: NatsServer) {
    this.#url = nats.url;
  }

  async start(name: string, overrides: TrackerOverrides = {}, url = this.#url): Promise<Harness> {
    const harness = await Harness.start(overrides, { nats: url, name });
    this.all.push(harness);
    return harness;
  }

  /** Starts several, and waits until each knows all the others. */
  async startAll(...names: string[]): Promise<Harness[]> {
    const started: Harness[] = [];
    for (const name of names) started.push(await this.start(name));
    await this.allKnown();
    return started;
  }

  allKnown(among: readonly Harness[] = this.all): Promise<boolean> {
    const everyone = (harness: Harness): boolean =>
      harness.tracker.network.available && harness.tracker.network.others.length === among.length - 1;
    return waitFor(() => among.every(everyone), { what: 'all trackers to know each other' });
  }

  async stop(): Promise<void> {
    await Promise.all(this.all.splice(0).map((harness) => harness.stop()));
  }
}
