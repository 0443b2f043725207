import {
  status,
  type ServerInterceptingCall,
  type ServerInterceptingCallInterface,
  type ServerInterceptor,
} from '@grpc/grpc-js';
import type { Labels, Metrics, Recorder, Sample } from '@enjambre/common/metrics/metrics';
import type { CallObserver } from './call-observer.js';

type Side = 'server' | 'client';

/** Unary calls take milliseconds, streams up to days. In seconds. */
const BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60, 600, 3600];

interface MethodCount {
  readonly labels: Labels;
  started: number;
  open: number;
  readonly handled: Map<string, number>;
}

/** The calls of one side, by method and code: what go-grpc-prometheus counts, under its names. */
export class CallCounts {
  readonly #methods = new Map<string, MethodCount>();
  readonly #seconds: Recorder;

  constructor(metrics: Metrics, side: Side) {
    const labels = ['grpc_service', 'grpc_method'];
    const calls = side === 'server' ? 'Calls that clients made' : 'Calls made to servers';
    metrics.counter({ name: `grpc_${side}_started_total`, help: `${calls}.`, labels }, () =>
      this.#samples(({ started }) => started),
    );
    metrics.gauge(
      { name: `grpc_${side}_open`, help: `${calls} and that are open, streams too.`, labels },
      () => this.#samples(({ open }) => open),
    );
    const byCode = [...labels, 'grpc_code'];
    metrics.counter(
      {
        name: `grpc_${side}_handled_total`,
        help: `${calls} and that ended, by status code.`,
        labels: byCode,
      },
      () => this.#handled(),
    );
    this.#seconds = metrics.histogram({
      name: `grpc_${side}_handling_seconds`,
      help: `How long calls took from beginning to end; streams too.`,
      labels,
      buckets: BUCKETS,
    });
  }

  /** A call of `path` ("/package.Service/Method") begins. Returns its end, to be called once. */
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

/** Counts calls as they are served. Of their messages it sees none. */
export function countServed(counts: CallCounts): ServerInterceptor {
  return ({ path }, call) => onServerEnd(call, counts.begin(path));
}

/**
 * Calls `ended` with the status code when a call is over, once. The call stays the very same: it is
 * not wrapped, which would cost something for each message, and hide it from who writes past
 * gRPC (docs/adr/0009-data-plane.md).
 */
export function onServerEnd(
  call: ServerInterceptingCallInterface,
  ended: (code: number) => void,
): ServerInterceptingCall {
  const start = call.start.bind(call);
  const sendStatus = call.sendStatus.bind(call);
  let over = false;
  // A call is cancelled, to gRPC, when its stream closes: also one that was answered before.
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
  // Declared to return the wrapper, gRPC uses of it what both have.
  return call as unknown as ServerInterceptingCall;
}

/** Counts the calls that clients make. */
export function countMade(counts: CallCounts): CallObserver {
  return (path) => ({ headers: {}, ended: counts.begin(path) });
}
