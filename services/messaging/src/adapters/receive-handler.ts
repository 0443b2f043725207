import { EnjambreError } from '@enjambre/core/error';
import { ReceiveSession, type ReceiveCall, type ReceiveParts } from './receive-session.js';

/** Handles Receive: tracks all open streams and ends them when the service stops. */
export class ReceiveHandler {
  readonly #open = new Map<ReceiveCall, ReceiveSession>();
  #stopping = false;

  /** @param maxStreams maximum number of open streams, before and after their hello */
  constructor(
    private readonly parts: ReceiveParts,
    private readonly maxStreams: number,
  ) {}

  accept(call: ReceiveCall): void {
    const { handlers } = this.parts;
    if (this.#stopping) {
      handlers.fail(call, stopping());
      return;
    }
    if (this.#open.size >= this.maxStreams) {
      handlers.fail(call, tooManyPeers());
      return;
    }
    this.#open.set(call, new ReceiveSession(call, this.parts));
    call.on('cancelled', () => this.#open.delete(call));
  }

  /** Ends all streams and accepts no more. */
  stop(): void {
    this.#stopping = true;
    for (const session of this.#open.values()) session.close(stopping());
  }
}

function stopping(): EnjambreError {
  return new EnjambreError('unavailable', 'STOPPING', 'the messaging service is stopping: connect again');
}

function tooManyPeers(): EnjambreError {
  return new EnjambreError('exhausted', 'TOO_MANY_PEERS', 'too many peers are connected: try again later');
}
