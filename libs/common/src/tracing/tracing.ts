/** Attributes of a span, in OpenTelemetry's terms. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface SpanOptions {
  /** Which side of a call it is. @default 'internal' */
  readonly kind?: 'internal' | 'client' | 'server';
  /** The traceparent of a span in another process. @default the active span here */
  readonly parent?: string;
  readonly attributes?: Attributes;
}

/** A timed operation, as a part of a trace. */
export interface Span {
  /** W3C traceparent that names it to other processes. */
  readonly traceparent: string;
  set(attributes: Attributes): void;
  /** Everything that `work` starts, at once or later, becomes a child of this span. */
  run<T>(work: () => T): T;
  /** The first end counts; an error marks the span as failed. */
  end(error?: unknown): void;
}

/** Trace fields of log lines. */
export interface TraceIds {
  readonly trace_id: string;
  readonly span_id: string;
}

export interface Tracer {
  start(name: string, options: SpanOptions): Span;
  /** The active span. */
  active(): (TraceIds & { readonly traceparent: string }) | undefined;
  /** Runs `work` outside any span. */
  apart<T>(work: () => T): T;
}

let tracer: Tracer | undefined;

/** Sets the tracer of this process; undefined ends tracing. */
export function traceWith(made: Tracer | undefined): void {
  tracer = made;
}

export function isTracing(): boolean {
  return tracer !== undefined;
}

/** Undefined if nothing is traced. */
export function startSpan(name: string, options: SpanOptions = {}): Span | undefined {
  return tracer?.start(name, options);
}

/** Runs `work` in a span, if tracing is on. */
export async function inSpan<T>(name: string, options: SpanOptions, work: () => Promise<T>): Promise<T> {
  const span = tracer?.start(name, options);
  if (!span) return work();
  try {
    const result = await span.run(work);
    span.end();
    return result;
  } catch (error) {
    span.end(error);
    throw error;
  }
}

/** The traceparent of the active span, for another process; undefined without a span or without tracing. */
export function activeTraceparent(): string | undefined {
  return tracer?.active()?.traceparent;
}

/** Runs `work` outside any span: for long-running work whose end no span waits for. */
export function apart<T>(work: () => T): T {
  return tracer ? tracer.apart(work) : work();
}

/** Trace fields for log lines; empty without an active span. */
export function logIds(): TraceIds | Record<string, never> {
  const active = tracer?.active();
  return active ? { trace_id: active.trace_id, span_id: active.span_id } : {};
}

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** True for a valid {@link SpanOptions.parent}: other processes may send anything. */
export function isTraceparent(text: unknown): text is string {
  return typeof text === 'string' && TRACEPARENT.test(text);
}
