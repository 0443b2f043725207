/**
 * Long work in short steps, so that other work can run between them. A step takes well under a millisecond,
 * whatever the total.
 */
export type Steps<T> = Generator<undefined, T, undefined>;

/** Number of small items, such as files or tokens, in a step. */
const THINGS_A_STEP = 256;

/** Counts small items, to end a step after enough of them. */
export class StepCount {
  #things = 0;

  /** Counts one item; true if the step should end. Call it after each item. */
  isFull(): boolean {
    this.#things += 1;
    return this.#things % THINGS_A_STEP === 0;
  }
}

/** Runs all steps now. */
export function runSteps<T>(steps: Steps<T>): T {
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

/**
 * A sorted copy, by merge sort. `compare` works as in `Array.prototype.sort`; equal items keep their order.
 */
export function* sortSteps<T>(items: readonly T[], compare: (a: T, b: T) => number): Steps<T[]> {
  let runs: T[][] = [];
  for (let from = 0; from < items.length; from += THINGS_A_STEP) {
    runs.push(items.slice(from, from + THINGS_A_STEP).sort(compare));
    yield;
  }
  while (runs.length > 1) {
    const merged: T[][] = [];
    for (let run = 0; run < runs.length; run += 2)
      merged.push(yield* mergeSteps(runs[run] ?? [], runs[run + 1] ?? [], compare));
    runs = merged;
  }
  return runs[0] ?? [];
}

function* mergeSteps<T>(one: readonly T[], other: readonly T[], compare: (a: T, b: T) => number): Steps<T[]> {
  const merged: T[] = [];
  const step = new StepCount();
  let [a, b] = [0, 0];
  while (merged.length < one.length + other.length) {
    const takesOne = b === other.length || (a < one.length && compare(one[a] as T, other[b] as T) <= 0);
    merged.push((takesOne ? one[a++] : other[b++]) as T);
    if (step.isFull()) yield;
  }
  return merged;
}
