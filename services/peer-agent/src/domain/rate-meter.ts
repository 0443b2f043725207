const BUCKET_MS = 100;
const BUCKETS = 20;

/** Bytes per second over the last two seconds, in steps of 100 ms. Time may stand still but not run backwards. */
export class RateMeter {
  readonly #buckets = new Float64Array(BUCKETS);
  #current = 0;
  #firstMs: number | undefined;
  #sum = 0;

  add(bytes: number, nowMs: number): void {
    this.#advance(nowMs);
    this.#firstMs ??= nowMs;
    const slot = this.#current % BUCKETS;
    this.#buckets[slot] = (this.#buckets[slot] ?? 0) + bytes;
    this.#sum += bytes;
  }

  /** Bytes per second. A meter younger than two seconds divides by its age, at least 100 ms. */
  rate(nowMs: number): number {
    this.#advance(nowMs);
    if (this.#firstMs === undefined) return 0;
    const ageMs = Math.min(BUCKETS * BUCKET_MS, Math.max(BUCKET_MS, nowMs - this.#firstMs));
    return (this.#sum * 1000) / ageMs;
  }

  #advance(nowMs: number): void {
    const bucket = Math.floor(nowMs / BUCKET_MS);
    const steps = Math.min(BUCKETS, bucket - this.#current);
    for (let step = 1; step <= steps; step++) {
      const slot = (bucket - steps + step) % BUCKETS;
      this.#sum -= this.#buckets[slot] ?? 0;
      this.#buckets[slot] = 0;
    }
    if (bucket > this.#current) this.#current = bucket;
    if (this.#sum < 0.5) {
      this.#sum = 0;
    }
  }
}
