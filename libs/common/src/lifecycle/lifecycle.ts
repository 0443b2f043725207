import type { Logger } from '../log/logger.js';

/** A part that can be started and stopped. `stop` is safe to call twice, and after a failed `start`. */
export interface Startable {
  start(): Promise<void>;
  stop(): Promise<void>;
}

interface Part {
  readonly name: string;
  readonly part: Startable;
}

/**
 * Starts parts in the order in which they were added and stops them in reverse. If one fails to start, the
 * earlier ones are stopped and the error is rethrown.
 */
export class Lifecycle implements Startable {
  readonly #parts: Part[] = [];
  #started: Part[] = [];
  #stopping: Promise<void> | undefined;

  constructor(private readonly log: Logger) {}

  add<T extends Startable>(name: string, part: T): T {
    this.#parts.push({ name, part });
    return part;
  }

  async start(): Promise<void> {
    this.#stopping = undefined;
    for (const entry of this.#parts) {
      this.#started.push(entry);
      try {
        await entry.part.start();
      } catch (error) {
        await this.stop();
        throw error;
      }
    }
  }

  stop(): Promise<void> {
    this.#stopping ??= this.#stopAll();
    return this.#stopping;
  }

  async #stopAll(): Promise<void> {
    for (const { name, part } of this.#started.reverse()) {
      try {
        await part.stop();
      } catch (error) {
        this.log.error({ err: error }, `${name} did not stop cleanly`);
      }
    }
    this.#started = [];
  }
}
