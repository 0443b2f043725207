import type { EnjambreError } from '@enjambre/core/error';
import type { Download } from '../download/download.js';
import { CONTENT_CHANGED } from '../ports/piece-store.js';
import type { Serving } from '../upload/serving.js';
import { TransferRun } from './transfer-run.js';
import type { TransferState } from './transfer-view.js';

/** States without work. */
type IdleState = 'paused' | 'finished' | 'failed';
/** States in which work is in progress. */
export type ActiveState = Exclude<TransferState, IdleState>;

/** What peers can fetch, with the work that ends with it. */
export type Offer =
  /** The verified pieces of a download. */
  | { readonly kind: 'part'; readonly serving: Serving; readonly download: Download }
  /** All pieces; the content does not have its final name yet. */
  | { readonly kind: 'unpublished'; readonly serving: Serving }
  /** All pieces, checked in the background. */
  | { readonly kind: 'whole'; readonly serving: Serving; readonly endChores: () => void };

interface Idle {
  readonly kind: 'idle';
  /** After a halt, the state of the halted work. */
  readonly state: TransferState;
  readonly fault?: EnjambreError | undefined;
}

interface Running {
  readonly kind: 'running';
  readonly state: ActiveState;
  readonly run: TransferRun;
  readonly offer?: Offer | undefined;
}

/**
 * The state of a transfer together with its work: only a running transfer has a run, and only a run has an offer. The
 * transitions:
 *
 * - {@link begin}: idle → running;
 * - {@link enter}, {@link offer}: change the state or the offer of the run; no effect once halted;
 * - {@link halt}: running → idle; required before any other change of the transfer;
 * - {@link rest}: enters an idle state.
 */
export class StateMachine {
  /** What is being done after all pieces are verified, for people; empty in each new state. */
  finishing = '';
  #phase: Idle | Running;

  /** @param entered called after each change of state, except by `begin` and `halt`: another change follows these */
  constructor(
    initial: TransferState,
    private readonly entered: (state: TransferState) => void,
  ) {
    this.#phase = { kind: 'idle', state: initial };
  }

  get state(): TransferState {
    return this.#phase.state;
  }

  /** The work in progress. */
  get run(): TransferRun | undefined {
    return this.#phase.kind === 'running' ? this.#phase.run : undefined;
  }

  get serving(): Serving | undefined {
    return this.#offer?.serving;
  }

  get download(): Download | undefined {
    return this.#offer?.kind === 'part' ? this.#offer.download : undefined;
  }

  /** While the transfer is `failed`: the error, if it failed in this process. */
  get fault(): EnjambreError | undefined {
    return this.#phase.kind === 'idle' && this.#phase.state === 'failed' ? this.#phase.fault : undefined;
  }

  /** Starts work on an idle transfer. `failed` is called if the work fails before it is halted. */
  begin(
    state: ActiveState,
    work: (signal: AbortSignal) => Promise<void>,
    failed: (run: TransferRun, error: unknown) => void,
  ): void {
    const run = new TransferRun();
    this.finishing = '';
    this.#phase = { kind: 'running', state, run };
    run.start(work, (error) => {
      failed(run, error);
    });
  }

  enter(state: ActiveState): void {
    if (this.#phase.kind === 'idle') return;
    this.#phase = { ...this.#phase, state };
    this.finishing = '';
    this.entered(state);
  }

  /** Replaces the offer. Returns false, without effect, if the work was halted. */
  offer(offer: Offer): boolean {
    if (this.#phase.kind === 'idle') return false;
    this.#phase = { ...this.#phase, offer };
    return true;
  }

  /** Ends the offer; the run continues. */
  withdraw(message: string): void {
    this.serving?.stop(message);
    if (this.#phase.kind === 'running') this.#phase = { ...this.#phase, offer: undefined };
  }

  /** Enters an idle state. @param fault why it failed @default the previous one, if it was already failed */
  rest(state: IdleState, fault = this.fault): void {
    this.#phase = { kind: 'idle', state, ...(state === 'failed' && { fault }) };
    this.entered(state);
  }

  /**
   * Stops all work and resolves when it has ended. The state remains visible until the next transition.
   *
   * @param reason sent to peers
   * @returns the download that was halted
   */
  async halt(reason: string, message: string): Promise<Download | undefined> {
    if (this.#phase.kind === 'idle') return undefined;
    const { state, run, offer } = this.#phase;
    this.#phase = { kind: 'idle', state };
    const download = offer?.kind === 'part' ? offer.download : undefined;
    if (offer?.kind === 'whole') offer.endChores();
    run.abort();
    await download?.stop(reason, message);
    await run.done;
    offer?.serving.stop(message, reason === CONTENT_CHANGED ? reason : undefined);
    return download;
  }

  get #offer(): Offer | undefined {
    return this.#phase.kind === 'running' ? this.#phase.offer : undefined;
  }
}
