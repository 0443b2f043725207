import { NatsServer } from '@enjambre/harness/nats-server';
import { connectToNats } from '@enjambre/harness/nats-client';
import type { ProcessSwarm } from '@enjambre/harness/swarm';
import type { Stage } from './stage.js';

/** A real nats-server with a plain subscriber that counts events. */
export interface WatchedNats {
  readonly url: string;
  /** A line with the number of events of each subject. Ends the subscription. */
  summary(): Promise<string>;
}

/** Starts both; the server stops with the swarm. */
export async function watchedNats(stage: Stage, swarm: ProcessSwarm): Promise<WatchedNats> {
  const server = swarm.add(await NatsServer.start());
  stage.step(`a nats-server runs at ${server.url}, with a subscriber on enjambre.>`);
  const connection = await connectToNats(server.url);
  const seen = new Map<string, number>();
  const subscription = connection.subscribe('enjambre.>');
  const counting = (async () => {
    for await (const { subject } of subscription) seen.set(subject, (seen.get(subject) ?? 0) + 1);
  })();
  return {
    url: server.url,
    summary: async () => {
      await connection.drain();
      await counting;
      const events = [...seen].filter(([subject]) => EVENTS.test(subject)).sort();
      if (events.length === 0) throw new Error('no event was seen on NATS');
      return `events seen on NATS: ${events.map(([subject, count]) => `${subject} ${count}`).join(', ')}`;
    },
  };
}

/** Matches events only: the messaging service stores its messages on NATS, too. */
const EVENTS = /^enjambre\.(peer|file|download|message)\./;
