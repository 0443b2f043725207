import type { ProgramTls } from './program-tls.js';

/** What members must know of the CAs of their network, signed by them. */
export interface TrustNews {
  readonly revocations: string;
  /** Empty if the CA was never replaced. */
  readonly authorities: string;
}

/** A program that passes news on, or takes them. */
export type TrustHolder = Pick<ProgramTls, 'revocations' | 'authorityLists'>;

/** What a program passes on to others; undefined if there is nothing. */
export function trustNewsOf({ revocations, authorityLists }: TrustHolder): TrustNews | undefined {
  const authorities = authorityLists?.text ?? '';
  if (revocations.size === 0 && authorities === '') return undefined;
  return { revocations: revocations.text, authorities };
}

/** Calls `listener` with each change. */
export function onTrustNews({ revocations, authorityLists }: TrustHolder, listener: () => void): void {
  revocations.onChange(listener);
  authorityLists?.onChange(listener);
}

/** Takes what another program of the network passes on. Throws `invalid` BAD_SIGNED_LIST, and the system's errors. */
export async function learnTrust(
  { revocations, authorityLists }: TrustHolder,
  news: TrustNews,
): Promise<void> {
  // A new CA may have signed the other list.
  authorityLists?.take(news.authorities);
  if (news.revocations !== '') await revocations.learn(news.revocations);
}
