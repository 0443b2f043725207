import { formatDuration } from '@enjambre/core/format-duration';
import { Serial } from '@enjambre/common/async/serial';
import { EnjambreError } from '@enjambre/core/error';
import type { PeerId } from '@enjambre/core/ids';

/** Retry delay for a sender with too many waiting calls, in milliseconds: about the time that these take. */
const RETRY_MS = 500;

interface Lane {
  readonly serial: Serial;
  waiting: number;
}

/** Runs the work of each sender in order, one piece at a time; senders do not wait for each other. */
export class SenderLanes {
  readonly #lanes = new Map<PeerId, Lane>();

  /** @param maxWaiting limit of unfinished pieces of work of one sender */
  constructor(private readonly maxWaiting: number) {}

  /** Throws `exhausted` TOO_FAST if the limit of that sender is reached. */
  async run<T>(sender: PeerId, work: () => Promise<T>): Promise<T> {
    let lane = this.#lanes.get(sender);
    if (!lane) this.#lanes.set(sender, (lane = { serial: new Serial(), waiting: 0 }));
    if (lane.waiting >= this.maxWaiting) {
      const message = `${lane.waiting} of your calls are already waiting: send again after ${formatDuration(RETRY_MS)}`;
      throw new EnjambreError('exhausted', 'TOO_FAST', message, { retryAfterMs: RETRY_MS });
    }
    lane.waiting += 1;
    try {
      return await lane.serial.run(work);
    } finally {
      lane.waiting -= 1;
      if (lane.waiting === 0) this.#lanes.delete(sender);
    }
  }
}
