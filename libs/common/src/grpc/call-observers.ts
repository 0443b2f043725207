import { InterceptingCall, type Interceptor } from '@grpc/grpc-js';

/** A call that this process makes, to whoever observes it. */
export interface ObservedCall {
  /** What the call is to say of itself to the server. */
  readonly headers: Readonly<Record<string, string>>;
  /** Called once, with the status code. */
  readonly ended: (code: number) => void;
}

/** Hears of each call as it begins, by its path ("/package.Service/Method"). Undefined if it wants to hear no more of it. */
export type CallObserver = (path: string) => ObservedCall | undefined;

const observers: CallObserver[] = [];

/** Has every call observed that is made from now on in this process, of clients that are opened from now on. */
export function observeCalls(observer: CallObserver): void {
  observers.push(observer);
}

/** Tells the observers that a call begins. For clients that do not go through {@link interceptors}. */
export function beginCall(path: string): ObservedCall {
  const calls = observers.flatMap((observe) => observe(path) ?? []);
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
  return observers.length > 0 ? [observed] : [];
}
