import { randomBytes } from 'node:crypto';
import { greeted } from '@enjambre/rpc/gate/greeting';
import type { HandlerFactory } from '@enjambre/rpc/handlers';
import { checkHello, openHello } from '@enjambre/common/identity/hello';
import { VERSION } from '@enjambre/common/version';
import { EnjambreError } from '@enjambre/core/error';
import { networkOf } from '@enjambre/core/network-of';
import { checkHolder } from '@enjambre/core/trust/certified-identity';
import { certifiedCaller } from '@enjambre/rpc/caller';
import { keyShownTo } from '@enjambre/rpc/server-key';
import {
  ReceiverHello,
  type ReceiveRequest,
  type ReceiveResponse,
} from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import type { ServerDuplexStream } from '@grpc/grpc-js';
import type { MessageExchange } from '../app/message-exchange.js';
import type { WindowOptions } from '../domain/delivery-window.js';
import type { Caller } from '../domain/message.js';
import { ReceiverManners } from '../domain/receiver-manners.js';
import { toDeliveryId } from './convert.js';
import { Deliverer } from './deliverer.js';
import { MALFORMED } from './service-definition.js';
import type { SessionRegistry } from './session-registry.js';

export type ReceiveCall = ServerDuplexStream<ReceiveRequest, ReceiveResponse>;

export interface ReceiveTimeouts {
  /** Time for a peer's hello before its stream is ended, in milliseconds. */
  readonly helloMs: number;
  /**
   * Time that a peer may neither read nor acknowledge deliveries before its stream is ended, in milliseconds.
   */
  readonly slowReaderMs: number;
}

export interface ReceiveParts {
  readonly exchange: MessageExchange;
  readonly sessions: SessionRegistry;
  readonly handlers: HandlerFactory;
  readonly timeouts: ReceiveTimeouts;
  readonly window: WindowOptions;
}

const NONCE_BYTES = 32;

/** One Receive stream, from the challenge to its end. */
export class ReceiveSession {
  readonly #call: ReceiveCall;
  readonly #parts: ReceiveParts;
  readonly #nonce = randomBytes(NONCE_BYTES);
  readonly #helloTimer: NodeJS.Timeout;
  readonly #manners = new ReceiverManners(now());
  #greeted = false;
  #token: string | undefined;
  #deliverer: Deliverer | undefined;
  #ended = false;

  constructor(call: ReceiveCall, parts: ReceiveParts) {
    this.#call = call;
    this.#parts = parts;
    this.#helloTimer = setTimeout(() => this.close(noHello()), parts.timeouts.helloMs);
    call.on('data', (request: ReceiveRequest) => this.#receive(request));
    call.on('end', () => setImmediate(() => this.#farewell()));
    call.on('cancelled', () => this.#end());
    call.write({ message: { $case: 'challenge', value: this.#nonce } });
  }

  /** Ends the stream with the status of `error`. */
  close(error: unknown): void {
    if (this.#ended) return;
    this.#end();
    this.#parts.handlers.fail(this.#call, error);
  }

  #farewell(): void {
    this.#end();
    this.#call.end();
  }

  #end(): void {
    if (this.#ended) return;
    this.#ended = true;
    clearTimeout(this.#helloTimer);
    this.#deliverer?.stop();
    if (this.#token !== undefined) this.#parts.sessions.end(this.#token);
  }

  #receive(request: ReceiveRequest): void {
    const { message } = request;
    if (this.#ended) return;
    try {
      if (!message && request !== MALFORMED) this.#ignore();
      else if (!this.#greeted) this.#greet(message);
      else if (message?.$case === 'ack') this.#acknowledge(message.value.deliveryIds);
      else throw badMessage();
    } catch (error) {
      this.close(error);
    }
  }

  /** A message from a later version. */
  #ignore(): void {
    if (this.#greeted) this.#manners.hadNoEffect(1, now());
    else this.#manners.beforeHello();
  }

  #acknowledge(ids: readonly bigint[]): void {
    this.#manners.acknowledges(ids.length);
    const unknown = ids.filter((id) => this.#deliverer?.acknowledge(toDeliveryId(id)) !== true);
    this.#manners.hadNoEffect(unknown.length, now());
  }

  #greet(message: ReceiveRequest['message']): void {
    if (message?.$case !== 'hello') {
      throw new EnjambreError('invalid', 'BAD_HELLO', 'the first message must be a hello');
    }
    const party = networkOf(this.#call.getPeer());
    const terms = { nonce: this.#nonce, serverKey: keyShownTo(this.#call) };
    const hello = openHello(message.value, ReceiverHello, terms);
    const peer = { ...checkHello('messaging', hello, terms), party };
    checkHolder(certifiedCaller(this.#call), peer);
    this.#greeted = true;
    greeted(this.#call);
    clearTimeout(this.#helloTimer);
    this.#open(peer, toDeliveryId(hello.afterDeliveryId)).catch((error: unknown) => this.close(error));
  }

  async #open(peer: Caller, after: number): Promise<void> {
    const { exchange, sessions, window, timeouts } = this.#parts;
    // From here on an earlier stream of the same peer has ended, and so has its inbox.
    const token = sessions.open(peer, this);
    this.#token = token;
    const inbox = await exchange.open(peer, after);
    if (this.#ended) {
      inbox.close();
      return;
    }
    this.#call.write({ message: { $case: 'token', value: token } });
    this.#call.write({ message: { $case: 'relay', value: { version: VERSION } } });
    this.#deliverer = new Deliverer({
      reader: this.#call,
      inbox,
      window,
      maxBlockedMs: timeouts.slowReaderMs,
      onSlowReader: () => this.close(slowReader()),
      onDelivered: (delivered) => exchange.delivered(delivered, peer),
    });
    await this.#deliverer.run();
    // An inbox closed by another session has been reopened there.
    this.close(new EnjambreError('aborted', 'REPLACED', 'another stream receives for this peer'));
  }
}

function now(): number {
  return Math.floor(performance.now());
}

function noHello(): EnjambreError {
  return new EnjambreError('timeout', 'NO_HELLO', 'the challenge was not answered in time: connect again');
}

function badMessage(): EnjambreError {
  const message = 'after its hello a receiver may only acknowledge deliveries';
  return new EnjambreError('invalid', 'BAD_MESSAGE', message);
}

function slowReader(): EnjambreError {
  const message = 'deliveries were neither read nor acknowledged in time: read and acknowledge them faster';
  return new EnjambreError('exhausted', 'SLOW_READER', message);
}
