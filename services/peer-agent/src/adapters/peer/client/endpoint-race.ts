import { AsyncResource } from 'node:async_hooks';
import { ATTEMPT_DELAY_MS } from '@enjambre/common/async/first-of';
import { EnjambreError } from '@enjambre/core/error';
import { peerIdToBytes, type PeerId } from '@enjambre/core/ids';
import type { SyncRequest, SyncResponse } from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import type { MessageStream, StreamListener } from '@enjambre/rpc/message-stream';

const MAX_PROBLEM_CHARS = 512;

export interface EndpointRaceParts {
  readonly peerId: PeerId;
  /** Addresses of the peer, best first; at least one. */
  readonly endpoints: readonly string[];
  /** Calls `dial` when the address may be dialed, perhaps at once. Returns how to give up waiting. */
  readonly enter: (endpoint: string, dial: () => void) => () => void;
  readonly open: (endpoint: string, listener: StreamListener<SyncResponse>) => MessageStream<SyncRequest>;
  /** The stream at this endpoint has ended without winning. Called once for each opened stream except the winner. */
  readonly lost: (endpoint: string) => void;
  readonly won: (endpoint: string) => void;
  /** The peer itself answers at this endpoint, as far as it says. */
  readonly reached: (endpoint: string) => void;
}

/**
 * A Sync stream to a peer with several addresses. They are tried in turn, the next as soon as one fails or has not
 * answered in time (RFC 8305). The first one at which this very peer answers is used; an address may lead to a
 * different agent from here.
 */
export class EndpointRace implements MessageStream<SyncRequest> {
  readonly #running = new Map<string, MessageStream<SyncRequest>>();
  readonly #waiting: string[];
  readonly #failures: EnjambreError[] = [];
  readonly #tryNext: () => void;
  #winner: MessageStream<SyncRequest> | undefined;
  #timer: NodeJS.Timeout | undefined;
  /** Gives up the turn that an address waits for: one at a time. */
  #leaveTurn: (() => void) | undefined;
  #over = false;

  constructor(
    private readonly parts: EndpointRaceParts,
    private readonly listener: StreamListener<SyncResponse>,
  ) {
    this.#waiting = [...parts.endpoints];
    // Later attempts run in the async context of the first.
    this.#tryNext = AsyncResource.bind(() => {
      this.#open();
    });
    this.#open();
  }

  write(message: SyncRequest): void {
    this.#winner?.write(message);
  }

  end(): void {
    if (this.#winner) this.#winner.end();
    else this.cancel();
  }

  cancel(): void {
    this.#over = true;
    this.#leaveOthers();
    this.#winner?.cancel();
  }

  #open(): void {
    clearTimeout(this.#timer);
    if (this.#leaveTurn || this.#over) return;
    const endpoint = this.#waiting.shift();
    if (endpoint === undefined) return;
    let isDialed = false as boolean;
    const dial = AsyncResource.bind(() => {
      isDialed = true;
      this.#leaveTurn = undefined;
      this.#dial(endpoint);
    });
    const leave = this.parts.enter(endpoint, dial);
    if (!isDialed) this.#leaveTurn = leave;
  }

  #dial(endpoint: string): void {
    if (this.#waiting.length > 0) this.#timer = setTimeout(this.#tryNext, ATTEMPT_DELAY_MS);
    const stream = this.parts.open(endpoint, {
      message: (message) => {
        this.#onMessage(endpoint, message);
      },
      ended: (error) => {
        this.#onEnd(endpoint, error ?? noAnswer());
      },
    });
    this.#running.set(endpoint, stream);
  }

  #onMessage(endpoint: string, response: SyncResponse): void {
    const stream = this.#running.get(endpoint);
    if (!stream || this.#over) return;
    if (this.#winner === undefined) {
      const problem = this.#problemOf(endpoint, response);
      if (problem && !this.#isSingle) return this.#fail(endpoint, problem);
      if (!problem) this.parts.reached(endpoint);
      this.#winner = stream;
      this.#leaveOthers(endpoint);
      this.parts.won(endpoint);
    }
    this.listener.message(response);
  }

  /** With a single address, the listener checks the messages itself. */
  get #isSingle(): boolean {
    return this.parts.endpoints.length === 1;
  }

  #problemOf(endpoint: string, { message }: SyncResponse): EnjambreError | undefined {
    if (message?.$case !== 'challenge') return noAnswer();
    if (peerIdToBytes(this.parts.peerId).equals(message.value.peerId)) return undefined;
    return new EnjambreError('unavailable', 'OTHER_PEER', `another peer answers at ${endpoint}`);
  }

  #onEnd(endpoint: string, error: EnjambreError): void {
    if (this.#winner !== undefined && this.#winner === this.#running.get(endpoint))
      this.listener.ended(error);
    else this.#fail(endpoint, error);
  }

  #fail(endpoint: string, error: EnjambreError): void {
    if (!this.#running.has(endpoint) || this.#over) return;
    this.#leave(endpoint);
    this.#failures.push(error);
    if (this.#waiting.length > 0) return this.#tryNext();
    if (this.#running.size > 0 || this.#leaveTurn) return;
    this.#over = true;
    this.listener.ended(allOf(this.#failures));
  }

  #leaveOthers(winner?: string): void {
    clearTimeout(this.#timer);
    this.#leaveTurn?.();
    this.#leaveTurn = undefined;
    this.#waiting.length = 0;
    for (const endpoint of this.#running.keys()) if (endpoint !== winner) this.#leave(endpoint);
  }

  #leave(endpoint: string): void {
    const stream = this.#running.get(endpoint);
    this.#running.delete(endpoint);
    stream?.cancel();
    if (stream !== this.#winner) this.parts.lost(endpoint);
  }
}

/**
 * One error for several failures. It blames no peer: the host that answered was another. The peer is dialed again when
 * the last of its addresses allows it.
 */
function allOf(failures: readonly EnjambreError[]): EnjambreError {
  const [first, ...others] = failures;
  if (first && others.length === 0) return first;
  const said = [...new Set(failures.map(({ message }) => message))].join('; ');
  const waits = failures.flatMap(({ retryAfterMs }) => retryAfterMs ?? []);
  const details = { cause: first, ...(waits.length > 0 && { retryAfterMs: Math.max(...waits) }) };
  return new EnjambreError('unavailable', 'NOT_REACHED', said.slice(0, MAX_PROBLEM_CHARS), details);
}

function noAnswer(): EnjambreError {
  return new EnjambreError('unavailable', 'STREAM_ENDED', 'the peer ended the stream');
}
