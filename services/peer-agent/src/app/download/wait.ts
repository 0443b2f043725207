/** What a running transfer waits for, or what is wrong with it. */
export interface Wait {
  /** A constant for programs; empty if there is none. */
  readonly reason: string;
  /** A sentence for people; empty if it waits for nothing. */
  readonly message: string;
}

export const NO_WAIT: Wait = { reason: '', message: '' };
