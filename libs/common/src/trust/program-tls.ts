import type { AuthorityLists } from './authority-lists.js';
import type { Revocations } from './revocations.js';
import type { TlsMaterial } from './tls-material.js';

/** The certificate of a program, and the CAs that it trusts. Both may be replaced while it runs. */
export interface ProgramTls {
  readonly current: TlsMaterial;
  /** What the CAs have revoked. */
  readonly revocations: Revocations;
  /** The roots of the network, as its CA publishes them. @default those of its files only */
  readonly authorityLists?: AuthorityLists;
  /** Calls `listener` whenever {@link current} is replaced. */
  onChange(listener: () => void): void;
  /**
   * Replaces {@link current} if there is something newer; called every few seconds. Returns true if it was replaced.
   * Throws if that fails; then the current one stays in use.
   */
  review(): Promise<boolean>;
}

/** Has a certificate reached the time of its renewal, two thirds of its lifetime? */
export function isDue(
  { notBefore, notAfter }: Pick<TlsMaterial, 'notBefore' | 'notAfter'>,
  now: number,
): boolean {
  const lifetime = notAfter.getTime() - notBefore.getTime();
  // Before it begins, the clock was wrong when it was issued, or is now.
  return now < notBefore.getTime() || now >= notBefore.getTime() + (lifetime * 2) / 3;
}
