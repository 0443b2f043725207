import { status, type ServerInterceptor } from '@grpc/grpc-js';
import { activeTraceparent, isTraceparent, startSpan, type Span } from '@enjambre/common/tracing/tracing';
import { onServerEnd } from './call-metrics.js';
import type { CallObserver } from './call-observer.js';

/** The header of W3C's trace context. */
const HEADER = 'traceparent';
/** Streams that are no longer needed are cancelled. */
const ENDED_WELL: ReadonlySet<number> = new Set([status.OK, status.CANCELLED]);

/** Traces an outgoing call as a child of the active span, and passes the span to the server. */
export const traceMade: CallObserver = (path) => {
  const span = activeTraceparent() === undefined ? undefined : callSpan(path, 'client');
  return (
    span && {
      headers: { [HEADER]: span.traceparent },
      ended: (code) => {
        endCall(span, code);
      },
    }
  );
};

/**
 * Traces the handling of a call as a child of the caller's span. Calls without a traceparent are not traced.
 */
export const traceServed: ServerInterceptor = ({ path }, call) => {
  let span: Span | undefined;
  const start = call.start.bind(call);
  call.start = (listener) => {
    const onMetadata = listener.onReceiveMetadata.bind(listener);
    const onHalfClose = listener.onReceiveHalfClose.bind(listener);
    // The first invokes handlers of streams, the second those of unary calls.
    listener.onReceiveMetadata = (metadata) => {
      const [parent] = metadata.get(HEADER);
      if (isTraceparent(parent)) span = callSpan(path, 'server', parent);
      if (span) span.run(() => onMetadata(metadata));
      else onMetadata(metadata);
    };
    listener.onReceiveHalfClose = () => (span ? span.run(onHalfClose) : onHalfClose());
    start(listener);
  };
  return onServerEnd(call, (code) => span && endCall(span, code));
};

function callSpan(path: string, kind: 'client' | 'server', parent?: string): Span | undefined {
  const [, service = '', method = ''] = path.split('/');
  const attributes = { 'rpc.system': 'grpc', 'rpc.service': service, 'rpc.method': method };
  return startSpan(`${service}/${method}`, { kind, attributes, ...(parent !== undefined && { parent }) });
}

function endCall(span: Span, code: number): void {
  span.set({ 'rpc.grpc.status_code': code });
  span.end(ENDED_WELL.has(code) ? undefined : (status[code] ?? 'UNKNOWN'));
}
