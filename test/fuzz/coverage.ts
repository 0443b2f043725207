import { Session, type Profiler } from 'node:inspector';

/** What a fuzzer asks of a coverage. */
export interface Guide {
  readonly characters: number;
  /** True if code ran since the last call that had not run before. */
  take(): boolean;
}

/** No guide: in a process that has loaded the code of many tests, a look at the coverage takes long. */
export const UNGUIDED: Guide = { characters: 0, take: () => false };

/** Which characters of a function have run. */
type Reached = Uint8Array;

/**
 * The code of this process that has run, by V8's own coverage of blocks. After each {@link take} V8 reports only what
 * changed, so that a call costs a fraction of a millisecond.
 */
export class Coverage implements Guide {
  readonly #session = new Session();
  readonly #functions = new Map<string, Reached>();
  #characters = 0;

  /** @param covers true for the scripts that count, by their URL */
  constructor(private readonly covers: (url: string) => boolean) {
    this.#session.connect();
    this.#post('Profiler.enable');
    this.#post('Profiler.startPreciseCoverage', { callCount: false, detailed: true });
  }

  /** Characters of code that have run so far. */
  get characters(): number {
    return this.#characters;
  }

  /** True if code ran since the last call that had not run before. */
  take(): boolean {
    const before = this.#characters;
    const taken = this.#post('Profiler.takePreciseCoverage') as Profiler.TakePreciseCoverageReturnType;
    for (const { url, scriptId, functions } of taken.result) {
      if (!this.covers(url)) continue;
      for (const { ranges } of functions) this.#note(scriptId, ranges);
    }
    return this.#characters > before;
  }

  stop(): void {
    this.#post('Profiler.stopPreciseCoverage');
    this.#session.disconnect();
  }

  /** The first range is the whole function; those inside override it. */
  #note(script: string, [whole, ...inner]: readonly Profiler.CoverageRange[]): void {
    if (!whole || whole.count === 0) return;
    const key = `${script}:${whole.startOffset}:${whole.endOffset}`;
    let reached = this.#functions.get(key);
    if (!reached) this.#functions.set(key, (reached = new Uint8Array(whole.endOffset - whole.startOffset)));
    const now = new Uint8Array(reached.length).fill(1);
    for (const { startOffset, endOffset, count } of inner)
      now.fill(count > 0 ? 1 : 0, startOffset - whole.startOffset, endOffset - whole.startOffset);
    for (let at = 0; at < reached.length; at += 1) {
      if (now[at] === 0 || reached[at] === 1) continue;
      reached[at] = 1;
      this.#characters += 1;
    }
  }

  /** A session with its own thread answers before `post` returns. */
  #post(method: string, params: object = {}): unknown {
    let answer: unknown;
    this.#session.post(method, params, (error, result) => {
      if (error) throw error;
      answer = result;
    });
    return answer;
  }
}
