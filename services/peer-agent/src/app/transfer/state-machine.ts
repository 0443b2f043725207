import type { EnjambreError } from '@enjambre/core/error';
import type { Download } from '../download/download.js';
import { CONTENT_CHANGED } from '../ports/piece-store.js';
import type { Serving } from '../upload/serving.js';
import { TransferRun } from './transfer-run.js';
import type { TransferState } from './transfer-view.js';

/** States without work. */
type IdleState = 'paused' | 'failed';
/** States in which work is under way. */
export type ActiveState = Exclude<TransferState, IdleState>;

/** What peers can fetch, with the work that has to end with it. */
export type Offer =
  /** The verified pieces of a download. */
  | { readonly kind: 'part'; readonly serving: Serving; readonly download: Download }
  /** All pieces; the content is being moved to its place. */
  | { readonly kind: 'unpublished'; readonly serving: Serving }
  /** All pieces, checked in the background. */
  | { readonly kind: 'whole'; readonly serving: Serving; readonly endChores: () => void };

interface Idle {
  readonly kind: 'idle';
  /** The last state, once work was halted. */
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
 * The state of a transfer with its work. Only work has a run, and only a run has an offer, so state, work and offer
 * change together:
 *
 * - {@link begin}: idle → running;
 * - {@link enter}, {@link offer}: the same run in another state, or with another offer; no effect once halted;
 * - {@link halt}: running → idle. Required before any other change of the transfer;
 * - {@link rest}: idle, in a state without work.
 */
export class StateMachine {
  #phase: Idle | Running;

  /** @param entered called when another state was entered; not by `begin` and `halt`, which a change of state follows */
  constructor(
    initial: TransferState,
    private readonly entered: (state: TransferState) => void,
  ) {
    this.#phase = { kind: 'idle', state: initial };
  }

  get state(): TransferState {
    return this.#phase.state;
  }

  /** The work under way. */
  get run(): TransferRun | undefined {
    return this.#phase.kind === 'running' ? this.#phase.run : undefined;
  }

  get serving(): Serving | undefined {
    return this.#offer?.serving;
  }

  get download(): Download | undefined {
    return this.#offer?.kind === 'part' ? this.#offer.download : undefined;
  }

  /** The error that the transfer failed with in this process, while it is failed. */
  get fault(): EnjambreError | undefined {
    return this.#phase.kind === 'idle' && this.#phase.state === 'failed' ? this.#phase.fault : undefined;
  }

  /** Starts work on a halted transfer. `failed` is called if it fails before it is halted. */
  begin(
    state: ActiveState,
    work: (signal: AbortSignal) => Promise<void>,
    failed: (run: TransferRun, error: unknown) => void,
  ): void {
    const run = new TransferRun();
    this.#phase = { kind: 'running', state, run };
    run.start(work, (error) => {
      failed(run, error);
    });
  }

  enter(state: ActiveState): void {
    if (this.#phase.kind === 'idle') return;
    this.#phase = { ...this.#phase, state };
    this.entered(state);
  }

  /** Replaces what is offered. Returns false if halted: then it is not offered. */
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

  /** Enters a state without work. @param fault why it failed; kept for one that stays failed */
  rest(state: IdleState, fault = this.fault): void {
    this.#phase = { kind: 'idle', state, ...(state === 'failed' && { fault }) };
    this.entered(state);
  }

  /**
   * Ends all work and resolves when nothing of it is left. The state stays visible until the next one.
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
