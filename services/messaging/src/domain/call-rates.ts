import { formatDuration } from '@enjambre/core/format-duration';
import { EnjambreError } from '@enjambre/core/error';
import type { Capacity } from './capacity.js';
import type { Caller } from './message.js';
import type { PartyQuotas } from './party-quotas.js';
import { Rates } from './rates.js';

/** What a call costs, in calls: it searches messages or rooms. */
const LOOKUP_COST = 10;
/** What a hello costs, in calls: a signature is checked, and an inbox is opened. */
const HELLO_COST = 10;

/** What a call with a wrong token costs, in calls. An honest peer makes few, when its stream has just ended. */
const WRONG_TOKEN_COST = 10;

/** Limits the calls of each sender, and those of all peers of a party. */
export class CallRates {
  readonly #senders: Rates;
  readonly #parties: Rates;
  readonly #copies: Rates;

  constructor(
    { messagesPerSecond, messageBurst }: Pick<Capacity, 'messagesPerSecond' | 'messageBurst'>,
    { calls, copies }: Pick<PartyQuotas, 'calls' | 'copies'>,
  ) {
    const own = { perSecond: messagesPerSecond, burst: messageBurst };
    this.#senders = new Rates(own, tooFast(`${messagesPerSecond} calls`));
    this.#parties = new Rates(calls, tooFast(`${calls.perSecond} calls of all peers at your address`));
    this.#copies = new Rates(
      copies,
      tooFast(`${copies.perSecond} copies to rooms and to everyone of all peers at your address`),
    );
  }

  /** Each method throws `exhausted` TOO_FAST, with a retry delay. */
  call({ id, party }: Caller, now: number): void {
    this.#take(id, party, now, 1);
  }

  lookup({ id, party }: Caller, now: number): void {
    this.#take(id, party, now, LOOKUP_COST);
  }

  hello({ party }: Caller, now: number): void {
    this.#parties.take(party, now, HELLO_COST);
  }

  /** A stream of events, which may search the record. */
  watch(party: string, now: number): void {
    this.#parties.take(party, now, LOOKUP_COST);
  }

  /** A call with a wrong token: guesses are slow. */
  wrongToken(party: string, now: number): void {
    this.#parties.take(party, now, WRONG_TOKEN_COST);
  }

  /** A message to a room or to everyone: each receiver gets a copy. */
  copies({ party }: Caller, now: number, receivers: number): void {
    this.#copies.take(party, now, receivers);
  }

  prune(now: number): void {
    for (const rates of [this.#senders, this.#parties, this.#copies]) rates.prune(now);
  }

  #take(id: string, party: string, now: number, count: number): void {
    this.#senders.take(id, now, count);
    this.#parties.take(party, now, count);
  }
}

function tooFast(limit: string): (retryAfterMs: number) => EnjambreError {
  return (retryAfterMs) => {
    const message = `more than ${limit} per second: try again after ${formatDuration(retryAfterMs)}`;
    return new EnjambreError('exhausted', 'TOO_FAST', message, { retryAfterMs });
  };
}
