import { X509Certificate } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { selfSigned } from './certificate.js';

describe('selfSigned', () => {
  // These name lengths cover every length of a last line.
  it.each(Array.from({ length: 64 }, (_, n) => n + 1))(
    'is accepted by Node, with a name of %d bytes',
    (length) => {
      const name = 'n'.repeat(length);
      const certificate = new X509Certificate(selfSigned([name]).cert);
      expect(certificate.subjectAltName).toBe(`DNS:${name}`);
      expect(certificate.verify(certificate.publicKey)).toBe(true);
    },
  );
});
