import type { Attributes, Span, SpanOptions, Tracer } from '@enjambre/common/tracing/tracing';

/** A span that records its attributes and its end. */
export class RecordedSpan implements Span {
  readonly attributes: Record<string, string | number | boolean>;
  ended = false;
  error: unknown;

  constructor(
    readonly name: string,
    readonly options: SpanOptions,
    readonly traceparent: string,
    private readonly within: (span: RecordedSpan, work: () => unknown) => unknown,
  ) {
    this.attributes = { ...options.attributes };
  }

  set(attributes: Attributes): void {
    Object.assign(this.attributes, attributes);
  }

  run<T>(work: () => T): T {
    return this.within(this, work) as T;
  }

  end(error?: unknown): void {
    if (this.ended) return;
    this.ended = true;
    this.error = error;
  }
}

/**
 * Records all spans. A span started later by asynchronous work, not synchronously, is recorded without a
 * parent.
 */
export class RecordingTracer implements Tracer {
  readonly spans: RecordedSpan[] = [];
  readonly #traceId = 'abcd'.repeat(8);
  #active: RecordedSpan | undefined;

  start(name: string, options: SpanOptions): Span {
    const spanId = String(this.spans.length + 1).padStart(16, '0');
    const span = new RecordedSpan(name, options, `00-${this.#traceId}-${spanId}-01`, (active, work) =>
      this.#with(active, work),
    );
    this.spans.push(span);
    return span;
  }

  active(): ReturnType<Tracer['active']> {
    if (!this.#active) return undefined;
    const { traceparent } = this.#active;
    return { trace_id: this.#traceId, span_id: traceparent.slice(36, 52), traceparent };
  }

  apart<T>(work: () => T): T {
    return this.#with(undefined, work) as T;
  }

  #with(span: RecordedSpan | undefined, work: () => unknown): unknown {
    const before = this.#active;
    this.#active = span;
    try {
      return work();
    } finally {
      this.#active = before;
    }
  }
}
