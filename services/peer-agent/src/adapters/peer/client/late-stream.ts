import type { MessageStream } from '@enjambre/rpc/message-stream';

/** A stream that is opened later. What is written before that is lost; ended or cancelled before, it is not opened. */
export class LateStream<Request> implements MessageStream<Request> {
  #stream: MessageStream<Request> | undefined;
  #isOver = false;

  constructor(ready: Promise<void>, open: () => MessageStream<Request>) {
    void ready.then(() => {
      if (!this.#isOver) this.#stream = open();
    });
  }

  write(message: Request): void {
    this.#stream?.write(message);
  }

  end(): void {
    this.#isOver = true;
    this.#stream?.end();
  }

  cancel(): void {
    this.#isOver = true;
    this.#stream?.cancel();
  }
}
