import {
  context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type Span as OtelSpan,
  type SpanContext,
  type Tracer as OtelSource,
} from '@opentelemetry/api';
import { messageOf } from '@enjambre/core/error';
import type { Attributes, Span, SpanOptions, Tracer } from './tracing.js';

const KINDS = { internal: SpanKind.INTERNAL, client: SpanKind.CLIENT, server: SpanKind.SERVER };

/** Adapts the tracer of the official SDK. */
export class OtelTracer implements Tracer {
  readonly #open = new Set<OtelTracerSpan>();

  constructor(private readonly source: OtelSource) {}

  start(name: string, { kind = 'internal', parent, attributes = {} }: SpanOptions): Span {
    const within = parent === undefined ? context.active() : contextOf(parent);
    const span = this.source.startSpan(name, { kind: KINDS[kind], attributes: { ...attributes } }, within);
    const made = new OtelTracerSpan(span, within, () => this.#open.delete(made));
    this.#open.add(made);
    return made;
  }

  active(): ReturnType<Tracer['active']> {
    const span = trace.getSpan(context.active())?.spanContext();
    return span && { trace_id: span.traceId, span_id: span.spanId, traceparent: traceparentOf(span) };
  }

  apart<T>(work: () => T): T {
    return context.with(ROOT_CONTEXT, work);
  }

  /** Ends all open spans at process exit. */
  end(): void {
    for (const span of this.#open) span.end();
  }
}

class OtelTracerSpan implements Span {
  #over = false;

  constructor(
    private readonly span: OtelSpan,
    private readonly within: Context,
    private readonly ended: () => void,
  ) {}

  get traceparent(): string {
    return traceparentOf(this.span.spanContext());
  }

  set(attributes: Attributes): void {
    this.span.setAttributes({ ...attributes });
  }

  run<T>(work: () => T): T {
    return context.with(trace.setSpan(this.within, this.span), work);
  }

  end(error?: unknown): void {
    if (this.#over) return;
    this.#over = true;
    this.ended();
    if (error !== undefined) this.span.setStatus({ code: SpanStatusCode.ERROR, message: messageOf(error) });
    this.span.end();
  }
}

function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${(traceFlags & 0xff).toString(16).padStart(2, '0')}`;
}

/** @param traceparent one that passes `isTraceparent` */
function contextOf(traceparent: string): Context {
  const [, traceId = '', spanId = '', flags = ''] = traceparent.split('-');
  const traceFlags = parseInt(flags, 16) & TraceFlags.SAMPLED;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}
