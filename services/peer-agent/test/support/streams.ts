import type { Metadata } from '@grpc/grpc-js';
import { status, type ClientDuplexStream, type ServiceError } from '@grpc/grpc-js';
import { waitForChange } from '@enjambre/harness/wait-for';
import { ErrorInfo } from '@enjambre/proto/gen/google/rpc/error_details';
import { Status } from '@enjambre/proto/gen/google/rpc/status';

/** The end of a call, as its caller sees it. */
export interface Ending {
  /** Name of the status, such as NOT_FOUND. */
  readonly status: string;
  readonly reason?: string;
  readonly domain?: string;
  readonly message?: string;
}

/** Status and google.rpc.ErrorInfo of a failed call. */
export function endingOf(error: unknown): Ending {
  const { code, details, metadata } = error as ServiceError;
  const [encoded] = (metadata as Metadata | undefined)?.get('grpc-status-details-bin') ?? [];
  const info = Buffer.isBuffer(encoded) ? Status.decode(encoded).details[0] : undefined;
  const { reason, domain } = info ? ErrorInfo.decode(info.value) : {};
  return { status: status[code], message: details, ...(reason && { reason }), ...(domain && { domain }) };
}

/** A message of a generated `oneof`. */
interface Spoken {
  readonly message?: { readonly $case: string; readonly value: unknown } | undefined;
}

type Case<Message extends Spoken> = NonNullable<Message['message']>;
type Kind<Message extends Spoken> = Case<Message>['$case'];

/** The client's end of a bidirectional stream, for scripts: sends messages and records what it receives. */
export class RawStream<Request extends Spoken, Response extends Spoken> {
  readonly heard: Case<Response>[] = [];
  #ending: Ending | undefined;
  #wake: (() => void)[] = [];

  constructor(readonly call: ClientDuplexStream<Request, Response>) {
    call.on('data', (response: Response) => {
      if (response.message) this.heard.push(response.message);
      this.#notify();
    });
    call.on('error', (error) => {
      this.#ending ??= endingOf(error);
      this.#notify();
    });
    call.on('status', ({ code }) => {
      this.#ending ??= { status: status[code] };
      this.#notify();
    });
  }

  /** Sends the messages in order, each once `complete` has filled in what it must wait for. */
  say(...messages: Case<Request>[]): this {
    for (const message of messages) {
      if (!this.complete) this.call.write({ message } as unknown as Request);
      else this.#said = this.#sayLater(message, this.#said);
    }
    return this;
  }

  /** Fills in what must be known before a message is sent, such as a challenge. Set it before sending anything. */
  complete: ((message: Case<Request>) => Promise<Case<Request>>) | undefined;
  #said: Promise<void> = Promise.resolve();

  /** Ends the sending side, once everything is sent. */
  finish(): void {
    void this.#said.then(() => this.call.end());
  }

  async #sayLater(message: Case<Request>, before: Promise<void>): Promise<void> {
    await before;
    try {
      const whole = await this.complete?.(message);
      if (whole && !this.#ending) this.call.write({ message: whole } as unknown as Request);
    } catch (error) {
      if (!this.#ending) throw error; // A stream that has ended sends no more.
    }
  }

  /** All messages of a kind, once there are `count` of them. Throws if the stream ends before. */
  async hear<K extends Kind<Response>>(
    kind: K,
    count = 1,
  ): Promise<Extract<Case<Response>, { $case: K }>['value'][]> {
    return this.when(() => {
      const messages = this.heard.filter(({ $case }) => $case === kind);
      if (messages.length >= count) {
        return messages.map(({ value }) => value);
      }
      if (this.#ending) throw new Error(`the stream ended with ${JSON.stringify(this.#ending)}`);
      return undefined;
    });
  }

  /** Waits until a condition on the received messages returns a value. */
  async when<T>(condition: () => T | undefined): Promise<T> {
    return waitForChange(condition, () => new Promise((resolve) => this.#wake.push(resolve)), {
      what: String(condition),
      seen: () => ({ heard: this.heard, ending: this.#ending }),
    });
  }

  /** How the stream ended. */
  end(): Promise<Ending> {
    return this.when(() => this.#ending);
  }

  #notify(): void {
    for (const wake of this.#wake.splice(0)) wake();
  }
}
