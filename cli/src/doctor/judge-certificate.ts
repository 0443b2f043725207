import { formatDuration } from '@enjambre/core/format-duration';
import { permissionText, type Permission } from '@enjambre/core/trust/rights';
import { about, type Finding } from './finding.js';

/** The certificate of an agent. */
export type CertificateFacts =
  | { readonly kind: 'none' }
  /** It cannot be used; why, as a sentence that says what to do. */
  | { readonly kind: 'unusable'; readonly problem: string }
  | {
      readonly kind: 'valid';
      readonly network: string;
      /** All that an agent may do if undefined. */
      readonly may: readonly Permission[] | undefined;
      /** Milliseconds since 1970. */
      readonly notBefore: number;
      readonly notAfter: number;
      /** The agent got it when it joined, and renews it. */
      readonly isMember: boolean;
      /** Set to accept and make connections without TLS as well. */
      readonly takesPlaintext: boolean;
    };

const { ok, warn, fail } = about('certificate');

/** @param now milliseconds since 1970 */
export function judgeCertificate(facts: CertificateFacts, now: number): Finding[] {
  if (facts.kind === 'none')
    return [ok('the agent has none: its connections to other machines are in plaintext')];
  if (facts.kind === 'unusable') return [fail(facts.problem)];
  const plaintext =
    'connections without TLS are allowed: end --tls-mode prefer once all programs of the network have certificates';
  return [judgeValid(facts, now), ...(facts.takesPlaintext ? [warn(plaintext)] : [])];
}

function judgeValid(
  { network, may, notBefore, notAfter, isMember }: CertificateFacts & { kind: 'valid' },
  now: number,
): Finding {
  const rights = may ? `, with the rights ${may.map(permissionText).join(' ') || 'none'}` : '';
  const left = `for the network ${network}${rights}, valid for another ${formatDuration(notAfter - now)}`;
  // Members renew at two thirds; a day later, something prevents it.
  const due = notBefore + ((notAfter - notBefore) * 2) / 3;
  if (now < due + (isMember ? DAY_MS : 0)) return ok(left);
  const next = isMember
    ? 'it should have been renewed: see why in the log of the agent, and start a tracker with --ca'
    : 'issue it again with `enjambre ca issue`';
  return warn(`${left}: ${next}`);
}

const DAY_MS = 86_400_000;
