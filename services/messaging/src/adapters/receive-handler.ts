import { EnjambreError } from '@enjambre/core/error';
import { networkOf } from '@enjambre/core/network-of';
import { Tally } from '../domain/tally.js';
import { tooManyPeers } from './session-registry.js';
import { ReceiveSession, type ReceiveCall, type ReceiveParts } from './receive-session.js';

/** Handles Receive: tracks all open streams and ends them when the service stops. */
export class ReceiveHandler {
  readonly #open = new Map<ReceiveCall, ReceiveSession>();
  #stopping = false;

  readonly #byParty = new Tally();

  /**
   * @param maxStreams maximum number of open streams, before and after their hello
   * @param maxOfParty and of those of one party
   */
  constructor(
    private readonly parts: ReceiveParts,
    private readonly maxStreams: number,
    private readonly maxOfParty: number,
  ) {}

  accept(call: ReceiveCall): void {
    const { handlers } = this.parts;
    if (this.#stopping) {
      handlers.fail(call, stopping());
      return;
    }
    if (this.#open.size >= this.maxStreams) {
      handlers.fail(call, tooManyPeers('too many streams are open'));
      return;
    }
    const party = networkOf(call.getPeer());
    if (this.#byParty.of(party) >= this.maxOfParty) {
      handlers.fail(call, tooManyPeers('too many streams are open from your address'));
      return;
    }
    this.#byParty.add(party);
    this.#open.set(call, new ReceiveSession(call, this.parts));
    call.on('cancelled', () => {
      if (this.#open.delete(call)) this.#byParty.remove(party);
    });
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
