import {
  status,
  type ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import type { Labels, Metrics, Recorder, Sample } from '@enjambre/common/metrics/metrics';
import type { CallObserver } from './call-observer.js';

type Side = 'server' | 'client';

/** In seconds: unary calls take milliseconds, streams up to days. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3600];

interface MethodCount {
  readonly labels: Labels;
  started: number;
  open: number;
  readonly handled: Map<string, number>;
}

/** Counts the calls of one side by method and code, with the metric names of go-grpc-prometheus. */
export class CallCounts {
  readonly #methods = new Map<string, MethodCount>();
  readonly #seconds: Recorder;

  constructor(metrics: Metrics, side: Side) {
    const labels = ['grpc_service', 'grpc_method'];
    const calls = side === 'server' ? 'calls from clients' : 'calls to servers';
    metrics.counter({ name: `grpc_${side}_started_total`, help: `Started ${calls}.`, labels }, () =>
      this.#samples(({ started }) => started),
    );
    metrics.gauge({ name: `grpc_${side}_open`, help: `Open ${calls}, including streams.`, labels }, () =>
      this.#samples(({ open }) => open),
    );
    const byCode = [...labels, 'grpc_code'];
    metrics.counter(
      {
        name: `grpc_${side}_handled_total`,
        help: `Completed ${calls}, by status code.`,
        labels: byCode,
      },
      () => this.#handled(),
    );
    this.#seconds = metrics.histogram({
      name: `grpc_${side}_handling_seconds`,
      help: `Duration of ${calls}, including streams.`,
      labels,
      buckets: BUCKETS,
    });
  }

  /** Starts a call of `path` ("/package.Service/Method"). Returns its end, to be called once. */
  begin(path: string): (code: number) => void {
    const method = this.#method(path);
    const startedAt = performance.now();
    method.started += 1;
    method.open += 1;
    return (code) => {
      method.open -= 1;
      const name = status[code] ?? 'UNKNOWN';
      method.handled.set(name, (method.handled.get(name) ?? 0) + 1);
      this.#seconds.observe(method.labels, (performance.now() - startedAt) / 1000);
    };
  }

  #method(path: string): MethodCount {
    let method = this.#methods.get(path);
    if (!method) {
      const [, service = '', name = ''] = path.split('/');
      const labels = { grpc_service: service, grpc_method: name };
      method = { labels, started: 0, open: 0, handled: new Map() };
      this.#methods.set(path, method);
    }
    return method;
  }

  *#samples(of: (method: MethodCount) => number): Generator<Sample> {
    for (const method of this.#methods.values()) yield [method.labels, of(method)];
  }

  *#handled(): Generator<Sample> {
    for (const { labels, handled } of this.#methods.values())
      for (const [code, count] of handled) yield [{ ...labels, grpc_code: code }, count];
  }
}

/** Counts served calls. It does not see their messages. */
export function countServed(counts: CallCounts): ServerInterceptor {
  return ({ path }, call) => onServerEnd(call, counts.begin(path));
}

/**
 * Calls `ended` once with the status code when a call is over. The call is not wrapped: a wrapper would cost
 * time for each message, and hide the call from code that writes past gRPC (docs/adr/0009-data-plane.md).
 */
export function onServerEnd(
  call: ServerInterceptingCallInterface,
  ended: (code: number) => void,
): ServerInterceptingCall {
  const start = call.start.bind(call);
  const sendStatus = call.sendStatus.bind(call);
  let over = false;
  // gRPC reports a call as cancelled when its stream closes, even if it was answered before.
  const end = (code: number): void => {
    if (!over) ended(code);
    over = true;
  };
  call.start = (listener) => {
    const onCancel = listener.onCancel.bind(listener);
    listener.onCancel = () => {
      end(status.CANCELLED);
      onCancel();
    };
    start(listener);
  };
  call.sendStatus = (sent) => {
    end(sent.code);
    sendStatus(sent);
  };
  // Declared to return the wrapper; gRPC uses only the members that both have.
  return call as unknown as ServerInterceptingCall;
}

/** Counts the calls of clients. */
export function countMade(counts: CallCounts): CallObserver {
  return (path) => ({ headers: {}, ended: counts.begin(path) });
}
