/** An outgoing call of this process, as returned by its observer. */
export interface ObservedCall {
  /** Headers to send with the call. */
  readonly headers: Readonly<Record<string, string>>;
  /** Called once, with the status code. */
  readonly ended: (code: number) => void;
}

/**
 * Observes each call when it starts, by its path ("/package.Service/Method"). Returns undefined to ignore the
 * call.
 */
export type CallObserver = (path: string) => ObservedCall | undefined;
