import { performance } from 'node:perf_hooks';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { messageOf } from '@enjambre/core/error';
import type { Guide } from './coverage.js';
import { mutate } from './mutator.js';
import { Random } from './random.js';
import { Broken, isInvalid, type FuzzTarget } from './target.js';

export interface FuzzOptions {
  readonly inputs: number;
  readonly seed: number;
  /** An input may take this long, in milliseconds; undefined for any time. */
  readonly maxMs?: number | undefined;
  readonly coverage: Guide;
}

export interface FuzzResult {
  readonly inputs: number;
  /** Inputs that the reader took as valid. */
  readonly taken: number;
  /** Inputs kept, since they reached new code. */
  readonly corpus: number;
  /** The slowest input, in milliseconds, as the quickest of some runs. */
  readonly slowestMs: number;
  readonly failures: readonly FuzzFailure[];
}

export interface FuzzFailure {
  readonly input: Buffer;
  readonly fault: string;
}

/** Inputs between two looks at the coverage: all are kept if one of them reached new code. */
const LEAST_BATCH = 8;
/** Where new code has become rare, a look costs more than it finds. */
const MOST_BATCH = 512;
/** Batches in a row that find nothing, before batches become longer. */
const BATCHES_OF_A_LENGTH = 32;
const MAX_CORPUS = 4096;
/** With more failures than this, the target is broken, and the run ends. */
const MAX_FAILURES = 10;
/** A slow input runs this often again: only its quickest run counts, as another program may have had the processor. */
const RERUNS = 5;

/** Runs a target on mutated inputs. Inputs that reach code that none before reached become the start of others. */
export class Fuzzer {
  readonly #random: Random;
  readonly #corpus: Buffer[];
  readonly #failures: FuzzFailure[] = [];
  #taken = 0;
  #slowestMs = 0;

  constructor(
    private readonly target: FuzzTarget,
    private readonly options: FuzzOptions,
  ) {
    this.#random = new Random(options.seed);
    this.#corpus = [...target.seeds];
  }

  async run(): Promise<FuzzResult> {
    const { inputs, coverage } = this.options;
    for (const seed of this.target.seeds) this.#try(seed);
    coverage.take();
    let done = this.target.seeds.length;
    for (let vain = 0; done < inputs && this.#failures.length < MAX_FAILURES; vain += 1) {
      const length = Math.min(
        LEAST_BATCH * 2 ** Math.floor(vain / BATCHES_OF_A_LENGTH),
        MOST_BATCH,
        inputs - done,
      );
      const batch = Array.from({ length }, () => this.#next());
      for (const input of batch) this.#try(input);
      done += length;
      // What the inputs left for later, such as writes, runs now: otherwise it would pile up.
      await nextTurn();
      if (!coverage.take()) continue;
      this.#keep(batch);
      vain = 0;
    }
    return {
      inputs: done,
      taken: this.#taken,
      corpus: this.#corpus.length,
      slowestMs: this.#slowestMs,
      failures: this.#failures,
    };
  }

  #next(): Buffer {
    const { reshape, words = [] } = this.target;
    const start = this.#random.of(this.#corpus) ?? Buffer.alloc(0);
    const reshaped = reshape && this.#random.below(2) === 0 ? reshape(start, this.#below) : undefined;
    return reshaped ?? mutate(start, this.#random, { corpus: this.#corpus, words });
  }

  readonly #below = (limit: number): number => this.#random.below(limit);

  #keep(batch: readonly Buffer[]): void {
    for (const input of batch) {
      if (this.#corpus.length < MAX_CORPUS) this.#corpus.push(input);
      else
        this.#corpus[this.target.seeds.length + this.#random.below(MAX_CORPUS - this.target.seeds.length)] =
          input;
    }
  }

  #try(input: Buffer): void {
    const { maxMs } = this.options;
    let quickest = this.#timed(input, true);
    if (quickest <= this.#slowestMs) return;
    // Garbage of the inputs before is not this one's fault.
    for (let rerun = 0; rerun < RERUNS; rerun += 1) quickest = Math.min(quickest, this.#timed(input, false));
    this.#slowestMs = Math.max(this.#slowestMs, quickest);
    if (maxMs !== undefined && quickest > maxMs) this.#fail(input, `took ${Math.round(quickest)} ms`);
  }

  /** @param isFirst false for an input that ran before: its outcome is known */
  #timed(input: Buffer, isFirst: boolean): number {
    const { run, refuses = isInvalid } = this.target;
    const [startMs, before] = [performance.now(), process.cpuUsage()];
    try {
      run(Buffer.from(input));
      if (isFirst) this.#taken += 1;
    } catch (error) {
      if (isFirst && (error instanceof Broken || !refuses(error))) this.#fail(input, describe(error));
    }
    const wallMs = performance.now() - startMs;
    if (wallMs <= this.#slowestMs) return wallMs;
    // On a busy machine the time on the clock is not that of the input alone.
    const { user, system } = process.cpuUsage(before);
    return Math.min(wallMs, (user + system) / 1000);
  }

  #fail(input: Buffer, fault: string): void {
    if (this.#failures.length < MAX_FAILURES) this.#failures.push({ input, fault });
  }
}

function describe(error: unknown): string {
  if (!(error instanceof Error)) return messageOf(error);
  return `${error.name}: ${error.message}\n${error.stack?.split('\n').slice(1, 4).join('\n') ?? ''}`;
}
