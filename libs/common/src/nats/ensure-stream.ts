import { NatsError, type JetStreamManager, type StreamConfig, type StreamInfo } from 'nats';
import { lacksStorage } from './jetstream-problem.js';

/** JetStream's error code for a stream that does not exist. */
const STREAM_NOT_FOUND = 10_059;

export interface WantedStream {
  readonly name: string;
  /** Configuration of a new stream. */
  readonly made: Partial<StreamConfig>;
  /** Configuration applied to an existing stream, too. */
  readonly kept: Partial<StreamConfig>;
  /**
   * Called if an existing stream stays unchanged because the server has no storage for the new configuration.
   */
  readonly onRefused: (error: unknown) => void;
}

/**
 * Creates or updates a stream. It reads the stream first: adding an existing stream makes the server count
 * its reservation twice, and storage may then seem full. Throws the errors of NATS.
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
