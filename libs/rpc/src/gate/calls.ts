import { formatDuration } from '@enjambre/core/format-duration';
import { constants, type Http2Server, type IncomingHttpHeaders, type ServerHttp2Stream } from 'node:http2';
import type { Clock } from '@enjambre/common/async/clock';
import { EnjambreError } from '@enjambre/core/error';
import { Arrival } from './arrival.js';
import type { Budgets } from './budgets.js';
import type { Connection } from './connection.js';
import type { Connections } from './connections.js';
import { denialOf } from './denial.js';
import { onGreeting } from './greeting.js';
import { takeStreams, type Methods } from './grpc-internals.js';
import { GREETING_BYTES, REQUEST_MS, TURN_MS, WAITING_PER_TURN, type ServerLimits } from './limits.js';
import { offenceOf } from './offences.js';
import { refuseStream } from './refusal.js';
import type { Refusals } from './refusals.js';
import { Rounds } from './rounds.js';
import { Turns } from './turns.js';

export interface CallsComponents {
  readonly limits: ServerLimits;
  readonly budgets: Budgets;
  readonly connections: Connections;
  readonly refusals: Refusals;
  readonly clock: Pick<Clock, 'nowMs' | 'after'>;
}

/** How a call is bounded, by its method. */
type Kind = 'unary' | 'answer' | 'watch' | 'dialogue';

/** Delay after which a call that was refused for other calls may find room. */
const RETRY_MS = 1000;

/** Admits calls within the budgets of their parties, before grpc-js sees them. */
export class Calls {
  readonly #parts: CallsComponents;
  readonly #answers: Turns;
  readonly #greetings: Turns;
  readonly #rounds: Rounds;

  constructor(parts: CallsComponents) {
    this.#parts = parts;
    this.#answers = new Turns(parts.budgets, 'calls');
    this.#greetings = new Turns(parts.budgets, 'greetings');
    this.#rounds = new Rounds(setImmediate);
  }

  /** Guards the calls of a server. */
  guard(server: Http2Server, methods: Methods): void {
    const { connections } = this.#parts;
    const serve = takeStreams(server, (stream, headers, flags, raw) => {
      // Without a listener an error of a refused stream would end the process.
      stream.on('error', () => undefined);
      const connection = connections.of(stream.session);
      if (!connection || connection.ended) return stream.close(constants.NGHTTP2_REFUSED_STREAM);
      connections.isUsed(connection);
      const offence = offenceOf(headers, raw, methods);
      if (offence) {
        this.#refused(stream, connection, offence);
        return connections.note(connection, 'offence');
      }
      const denial = denialOf(connection, headers[':path'] ?? '');
      if (denial) return this.#refused(stream, connection, denial);
      const arrival = new Arrival(stream, connection, () => {
        serve(stream, headers, flags, raw);
      });
      this.#admit(arrival, kindOf(headers, methods));
    });
  }

  #admit(arrival: Arrival, kind: Kind): void {
    const { budgets, clock } = this.#parts;
    const { party } = arrival;
    const retryAfterMs = budgets.spend(party, 'callsPerSecond', Math.trunc(clock.nowMs()));
    if (retryAfterMs > 0) return this.#refuse(arrival, tooManyCalls('makes calls too fast', retryAfterMs));
    if (!this.#takes(arrival, 'streams'))
      return this.#refuse(arrival, tooManyCalls('has too many open calls', RETRY_MS));
    if (kind === 'dialogue') return this.#greet(arrival);
    arrival.after(clock, REQUEST_MS, ({ readableEnded }) => (readableEnded ? undefined : noRequest()));
    if (kind === 'watch') return this.#watch(arrival);
    const { callMs } = this.#parts.limits;
    if (kind === 'unary' && Number.isFinite(callMs)) arrival.after(clock, callMs, () => tooSlow(callMs));
    this.#inTurn(this.#answers, arrival, arrival.serve);
  }

  #watch(arrival: Arrival): void {
    if (this.#takes(arrival, 'watches')) return arrival.serve();
    const message = 'your address watches too much at the same time: end another watch first';
    this.#refuse(arrival, new EnjambreError('exhausted', 'TOO_MANY_WATCHES', message));
  }

  /** Serves a stream that may not send much before its hello. */
  #greet(arrival: Arrival): void {
    const { stream } = arrival;
    const end = this.#inTurn(this.#greetings, arrival, () => {
      arrival.serve();
      let bytes = 0;
      const count = (part: Buffer): void => {
        bytes += part.length;
        if (bytes <= GREETING_BYTES) return;
        stream.off('data', count);
        this.#endUngreeted(arrival);
      };
      stream.on('data', count);
      onGreeting(stream, () => {
        stream.off('data', count);
        end();
      });
    });
  }

  #endUngreeted({ stream, connection }: Arrival): void {
    const message = `more than ${GREETING_BYTES} bytes arrived before a hello that was accepted`;
    const error = new EnjambreError('invalid', 'BYTES_BEFORE_HELLO', message);
    refuseStream(stream, error);
    this.#parts.connections.end(connection, error);
  }

  /** Begins a call when it is its turn. Returns a function that ends its turn, as its end does. */
  #inTurn(turns: Turns, arrival: Arrival, begin: () => void): () => void {
    const { party, stream } = arrival;
    const mayWait = WAITING_PER_TURN[turns.resource] * this.#parts.budgets.quota(turns.resource);
    if (turns.waitingOf(party) >= mayWait) {
      this.#refuse(arrival, tooManyCalls('has too many calls that wait', RETRY_MS));
      return () => undefined;
    }
    const stopWaiting = arrival.after(this.#parts.clock, TURN_MS, () =>
      tooManyCalls('has too many calls that take long', RETRY_MS),
    );
    const leave = turns.take(party, () => {
      stopWaiting();
      this.#rounds.begin(party, () => {
        if (!stream.closed && !stream.destroyed) begin();
      });
    });
    return arrival.atEnd(leave);
  }

  /** Counts an open call in a budget until it ends. False if there is no room. */
  #takes(arrival: Arrival, resource: 'streams' | 'watches'): boolean {
    const { budgets } = this.#parts;
    if (budgets.take(arrival.party, resource) !== undefined) return false;
    arrival.atEnd(() => {
      budgets.giveBack(arrival.party, resource);
    });
    return true;
  }

  #refuse({ stream, connection }: Arrival, error: EnjambreError): void {
    this.#refused(stream, connection, error);
    this.#parts.connections.refused(connection);
  }

  #refused(stream: ServerHttp2Stream, { party }: Connection, error: EnjambreError): void {
    this.#parts.refusals.add('call', party, error);
    refuseStream(stream, error);
  }
}

function kindOf({ ':path': path = '' }: IncomingHttpHeaders, methods: Methods): Kind {
  const type = methods.get(path)?.type;
  // Each question of a reflection stream is answered on its own: it has no hello.
  if (type === 'unary' || path.startsWith('/grpc.reflection.')) return 'unary';
  if (type !== 'serverStream') return 'dialogue';
  return /\/Watch[^/]*$/.test(path) ? 'watch' : 'answer';
}

function tooManyCalls(what: string, retryAfterMs: number): EnjambreError {
  const message = `your address ${what}: try again after ${formatDuration(retryAfterMs)}`;
  return new EnjambreError('exhausted', 'TOO_MANY_CALLS', message, { retryAfterMs });
}

function noRequest(): EnjambreError {
  return new EnjambreError('timeout', 'NO_REQUEST', 'the request did not arrive in time: call again');
}

function tooSlow(callMs: number): EnjambreError {
  const message = `the call was not answered, and its answer read, within ${callMs / 1000} s: call again`;
  return new EnjambreError('timeout', 'CALL_TOO_LONG', message);
}
