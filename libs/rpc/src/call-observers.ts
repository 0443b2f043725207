import { InterceptingCall, type Interceptor } from '@grpc/grpc-js';
import { isTracing } from '@enjambre/common/tracing/tracing';
import type { CallObserver, ObservedCall } from './call-observer.js';
import { traceMade } from './call-tracing.js';

const observers: CallObserver[] = [];

/** Has every call observed that is made from now on in this process, of clients that are opened from now on. */
export function observeCalls(observer: CallObserver): void {
  observers.push(observer);
}

/** Tells the observers that a call begins. For clients that do not go through {@link interceptors}. */
export function beginCall(path: string): ObservedCall {
  const all = isTracing() ? [traceMade, ...observers] : observers;
  const calls = all.flatMap((observe) => observe(path) ?? []);
  return {
    headers: Object.assign({}, ...calls.map(({ headers }) => headers)) as Record<string, string>,
    ended: (code) => {
      for (const call of calls) call.ended(code);
    },
  };
}

const observed: Interceptor = (options, nextCall) => {
  const { headers, ended } = beginCall(options.method_definition.path);
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

/** What a client of grpc-js is opened with, so that its calls are observed. */
export function interceptors(): Interceptor[] {
  return isTracing() || observers.length > 0 ? [observed] : [];
}
