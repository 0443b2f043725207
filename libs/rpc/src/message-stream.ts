import type { EnjambreError } from '@enjambre/core/error';

/** What comes of a stream. After `ended` nothing more does. */
export interface StreamListener<Message> {
  readonly message: (message: Message) => void;
  /** Why it ended; undefined if the server ended it well. */
  readonly ended: (error: EnjambreError | undefined) => void;
}

/** The client's end of a gRPC stream both ways. */
export interface MessageStream<Message> {
  write(message: Message): void;
  /** Nothing more is written; the listener goes on hearing. */
  end(): void;
  /** Ends it without a word; the listener hears nothing more. */
  cancel(): void;
}
