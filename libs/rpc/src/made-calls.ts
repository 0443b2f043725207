import { InterceptingCall, type Interceptor } from '@grpc/grpc-js';
import { isTracing } from '@enjambre/common/tracing/tracing';
import type { CallObserver, ObservedCall } from './call-observer.js';
import { traceMade } from './call-tracing.js';

/** Reports the calls of a dialer's clients to observers, and traces them while tracing is on. */
export class MadeCalls {
  readonly #observers: readonly CallObserver[];

  constructor(observers: readonly CallObserver[] = []) {
    this.#observers = observers;
  }

  /** Reports the start of a call of `path` ("/package.Service/Method"). */
  begin(path: string): ObservedCall {
    const observers = isTracing() ? [traceMade, ...this.#observers] : this.#observers;
    const calls = observers.flatMap((observe) => observe(path) ?? []);
    return {
      headers: Object.assign({}, ...calls.map(({ headers }) => headers)) as Record<string, string>,
      ended: (code) => {
        for (const call of calls) call.ended(code);
      },
    };
  }

  /** Interceptors for a grpc-js client; none if no observer needs its calls. */
  interceptors(): Interceptor[] {
    return isTracing() || this.#observers.length > 0 ? [this.#intercept] : [];
  }

  readonly #intercept: Interceptor = (options, nextCall) => {
    const { headers, ended } = this.begin(options.method_definition.path);
    return new InterceptingCall(nextCall(options), {
      start: (metadata, _, next) => {
        for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
        next(metadata, {
          onReceiveStatus: (received, pass) => {
            ended(received.code);
            pass(received);
          },
        });
      },
    });
  };
}
