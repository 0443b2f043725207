import { describe, expect, test } from '@jest/globals';
import { parsePermission } from '@enjambre/core/trust/rights';
import { judgeCertificate, type CertificateFacts } from './judge-certificate.js';

const DAY_MS = 86_400_000;
const valid = {
  kind: 'valid',
  network: 'prod',
  may: undefined,
  notBefore: 0,
  notAfter: 9 * DAY_MS,
  isMember: true,
  takesPlaintext: false,
} as const;

describe('the check of the certificate', () => {
  test.each<[string, CertificateFacts, number, readonly [level: string, message: string]]>([
    ['none', { kind: 'none' }, 0, ['ok', 'in plaintext']],
    ['a new one', valid, DAY_MS, ['ok', 'for the network prod, valid for another 8d']],
    [
      'one with rights',
      { ...valid, may: [parsePermission('get:llama-*'), parsePermission('send')] },
      DAY_MS,
      ['ok', 'for the network prod, with the rights get:llama-* send:*, valid'],
    ],
    ['one that is due', valid, 6.5 * DAY_MS, ['ok', 'valid for another 2d12h']],
    ['one that was not renewed', valid, 7.5 * DAY_MS, ['warn', 'it should have been renewed: see why']],
    ['files that run out', { ...valid, isMember: false }, 6.5 * DAY_MS, ['warn', 'issue it again']],
    ['an unusable one', { kind: 'unusable', problem: 'cannot read x' }, 0, ['fail', 'cannot read x']],
  ])('judges %s', (_, facts, now, [level, message]) => {
    expect(judgeCertificate(facts, now)).toEqual([
      { check: 'certificate', level, message: expect.stringContaining(message) },
    ]);
  });

  test('warns of plaintext that is still allowed', () => {
    const [, plaintext] = judgeCertificate({ ...valid, takesPlaintext: true }, DAY_MS);
    expect(plaintext).toMatchObject({
      level: 'warn',
      message: expect.stringMatching(/end --tls-mode prefer/),
    });
  });
});
