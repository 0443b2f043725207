import { Serial } from '@enjambre/common/async/serial';
import { EnjambreError } from '@enjambre/core/error';
import type { PeerId } from '@enjambre/core/ids';

/** When a sender that has too many calls waiting may try again, in milliseconds: they take about so long. */
const RETRY_MS = 500;

interface Lane {
  readonly serial: Serial;
  waiting: number;
}

/** Does the work of one sender in its order, one piece after the other; senders do not wait for each other. */
export class SenderLanes {
  readonly #lanes = new Map<PeerId, Lane>();

  /** @param maxWaiting pieces of work of one sender that have not ended */
  constructor(private readonly maxWaiting: number) {}

  /** Throws `exhausted` TOO_FAST if too much of that sender waits already. */
  async run<T>(sender: PeerId, work: () => Promise<T>): Promise<T> {
    let lane = this.#lanes.get(sender);
    if (!lane) this.#lanes.set(sender, (lane = { serial: new Serial(), waiting: 0 }));
    if (lane.waiting >= this.maxWaiting) {
      const message = `${lane.waiting} of your calls wait already: send again after ${RETRY_MS} ms`;
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
