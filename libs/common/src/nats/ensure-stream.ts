import { NatsError, type JetStreamManager, type StreamConfig, type StreamInfo } from 'nats';
import { lacksStorage } from './jetstream-problem.js';

/** JetStream's number for a stream that does not exist. */
const STREAM_NOT_FOUND = 10_059;

export interface WantedStream {
  readonly name: string;
  /** Of a stream that is made. */
  readonly made: Partial<StreamConfig>;
  /** Of one that is there, too. */
  readonly kept: Partial<StreamConfig>;
  /** Hears that one that is there stays as it is, as the server has no room for what it should be. */
  readonly onRefused: (error: unknown) => void;
}

/**
 * Makes a stream, or makes it what it should be. It looks first: a server counts what a stream
 * reserves once more when one is added that is there already, and may then have no room for it.
 * Throws what NATS does.
 */
export async function ensureStream(
  { streams }: JetStreamManager,
  { name, made, kept, onRefused }: WantedStream,
): Promise<StreamInfo> {
  const found = await streams.info(name).catch((error: unknown) => {
    if (error instanceof NatsError && error.api_error?.err_code === STREAM_NOT_FOUND) return undefined;
    throw error;
  });
  if (!found) return streams.add({ name, ...made, ...kept });
  if (fits(found.config, kept)) return found;
  try {
    return await streams.update(name, kept);
  } catch (error) {
    if (!lacksStorage(error)) throw error;
    onRefused(error);
    return found;
  }
}

function fits(config: StreamConfig, wanted: Partial<StreamConfig>): boolean {
  return Object.entries(wanted).every(
    ([key, value]) => JSON.stringify(config[key as keyof StreamConfig]) === JSON.stringify(value),
  );
}
