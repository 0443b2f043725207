import type { EnjambreError } from '@enjambre/core/error';

/** Receives the events of a stream. `ended` is the last. */
export interface StreamListener<Message> {
  readonly message: (message: Message) => void;
  /** The error that ended it; undefined if the server ended it with OK. */
  readonly ended: (error: EnjambreError | undefined) => void;
}

/** The client side of a bidirectional gRPC stream. */
export interface MessageStream<Message> {
  write(message: Message): void;
  /** Ends our side; the listener still receives messages. */
  end(): void;
  /** Ends the stream without notice; the listener is not called again. */
  cancel(): void;
}
