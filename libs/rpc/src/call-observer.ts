/** An outgoing call of this process, as its observer sees it. */
export interface ObservedCall {
  /** What the call is to say of itself to the server. */
  readonly headers: Readonly<Record<string, string>>;
  /** Called once, with the status code. */
  readonly ended: (code: number) => void;
}

/** Hears of each call as it begins, by its path ("/package.Service/Method"). Undefined if it wants to hear no more of it. */
export type CallObserver = (path: string) => ObservedCall | undefined;
