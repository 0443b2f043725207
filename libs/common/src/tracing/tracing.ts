/** What a span is told of, in OpenTelemetry's terms. */
export type Attributes = Readonly<Record<string, string | number | boolean>>;

export interface SpanOptions {
  /** Which side of a call it is. @default 'internal' */
  readonly kind?: 'internal' | 'client' | 'server';
  /** The traceparent of a span in another process. @default what is under way here */
  readonly parent?: string;
  readonly attributes?: Attributes;
}

/** Something that takes time, as a part of a trace. */
export interface Span {
  /** Names it to others: a W3C traceparent. */
  readonly traceparent: string;
  set(attributes: Attributes): void;
  /** What `work` begins, at once or later, is a part of this. */
  run<T>(work: () => T): T;
  /** The first end counts; with an error, it failed. */
  end(error?: unknown): void;
}

/** Where log lines belong. */
export interface TraceIds {
  readonly trace_id: string;
  readonly span_id: string;
}

export interface Tracer {
  start(name: string, options: SpanOptions): Span;
  /** What is under way here. */
  active(): (TraceIds & { readonly traceparent: string }) | undefined;
  /** Runs `work` as a part of nothing. */
  apart<T>(work: () => T): T;
}

let tracer: Tracer | undefined;

/** Traces from now on what this process does; undefined ends that. */
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

/** Does `work` in a span, if anything is traced. */
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

/** Names what is under way here to another process; undefined if nothing is, or nothing is traced. */
export function activeTraceparent(): string | undefined {
  return tracer?.active()?.traceparent;
}

/** Runs `work` as a part of nothing: it goes on for long, and its end is nobody's business. */
export function apart<T>(work: () => T): T {
  return tracer ? tracer.apart(work) : work();
}

/** For log lines; empty if nothing is under way. */
export function logIds(): TraceIds | Record<string, never> {
  const active = tracer?.active();
  return active ? { trace_id: active.trace_id, span_id: active.span_id } : {};
}

const TRACEPARENT = /^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** True for what {@link SpanOptions.parent} takes: others may send anything. */
export function isTraceparent(text: unknown): text is string {
  return typeof text === 'string' && TRACEPARENT.test(text);
}
