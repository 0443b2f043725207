import { X509Certificate } from 'node:crypto';
import { Authority, createAuthority } from '@enjambre/common/trust/authority';
import { AuthorityLists } from '@enjambre/common/trust/authority-lists';
import { checkToken, issueToken } from '@enjambre/common/trust/join-tokens';
import { Revocations } from '@enjambre/common/trust/revocations';
import { signedBy } from '@enjambre/common/trust/signed-by-ca';
import { EnjambreError } from '@enjambre/core/error';
import { parsePeerId } from '@enjambre/core/ids';
import { authorityListText, readAuthorityList } from '@enjambre/core/trust/authority-list';
import { joinToken, readJoinToken } from '@enjambre/core/trust/join-token';
import { readRevocationList, revocationText } from '@enjambre/core/trust/revocation-list';
import { readSignedTexts, writeSignedTexts } from '@enjambre/core/trust/signed-text';
import { reshapeJson } from '../reshape-json.js';
import { Broken, isInvalid, mustEqual, type FuzzTarget } from '../target.js';

const NOW = Date.parse('2026-12-01T00:00:00Z');
const HOUR_MS = 3_600_000;
const validity = { now: NOW, ttlMs: 24 * HOUR_MS };

const ca = await createAuthority('prod', validity);
const root = new X509Certificate(ca.cert);
const intermediate = await (await Authority.open(ca)).createIntermediate(validity);
const terms = {
  network: 'prod',
  role: 'agent',
  names: ['web-*', 'ü'],
  uses: 3,
  expiresAt: NOW + HOUR_MS,
} as const;
const TOKENS = [ca, intermediate].map((each) => issueToken(each, terms));

const times = { revokedAt: NOW, expiresAt: NOW + HOUR_MS };
const revoked = [
  { peer: parsePeerId('ab'.repeat(32)), ...times },
  { serial: '1f', ...times },
] as const;
const REVOKED = revocationText({ network: 'prod', number: 7, revocations: revoked });
const TRUSTED = authorityListText({ network: 'prod', number: 7, certificates: [root.toString()] });
const REVOCATIONS = writeSignedTexts(
  [ca, intermediate].map((by) => signedBy(by, 'revocation list', REVOKED)),
);
const AUTHORITIES = writeSignedTexts([signedBy(ca, 'authorities', TRUSTED)]);
const WORDS = ['"signed":', '"signer":', '"revocations":', '"number":', '"__proto__":{}', 'enj1.'].map(
  (word) => Buffer.from(word),
);

const token: FuzzTarget = {
  name: 'trust-join-token',
  seeds: TOKENS.map((text) => Buffer.from(text)),
  words: WORDS,
  refuses: (error) => isInvalid(error) || (error instanceof EnjambreError && error.code === 'denied'),
  run: (input) => {
    const text = input.toString();
    const read = readJoinToken(text);
    mustEqual(
      'a token of its parts',
      readJoinToken(joinToken(read.signed, read.signature, read.signer)),
      read,
    );
    const checked = checkToken(text, { roots: [root], now: NOW });
    const { id, ...said } = checked;
    mustEqual('what a CA has signed', { ...said, id }, { ...terms, ca: checked.ca, id });
  },
};

const list: FuzzTarget = {
  name: 'trust-revocation-list',
  seeds: [Buffer.from(REVOKED)],
  words: WORDS,
  reshape: reshapeJson,
  run: (input) => {
    const read = readRevocationList(input.toString());
    mustEqual('a list of its own text', readRevocationList(revocationText(read)), read);
  },
};

const roots: FuzzTarget = {
  name: 'trust-authority-list',
  seeds: [Buffer.from(TRUSTED)],
  words: WORDS,
  reshape: reshapeJson,
  run: (input) => {
    const read = readAuthorityList(input.toString());
    mustEqual('a list of its own text', readAuthorityList(authorityListText(read)), read);
  },
};

const signed: FuzzTarget = {
  name: 'trust-signed-lists',
  seeds: [REVOCATIONS, AUTHORITIES].map((text) => Buffer.from(text)),
  words: WORDS,
  reshape: reshapeJson,
  run: (input) => {
    const text = input.toString();
    const read = readSignedTexts(text);
    mustEqual('lists of their own text', readSignedTexts(writeSignedTexts(read)), read);
    const trust = { authorities: () => [root], files: [], clock: () => NOW };
    const revocations = new Revocations(trust);
    if (revocations.take(text) && revocations.size !== revoked.length)
      throw new Broken('a forged list counts');
    const lists = new AuthorityLists({ file: '', network: 'prod', trusted: () => [root], clock: () => NOW });
    if (lists.take(text) && lists.certificates?.length !== 1) throw new Broken('a forged list of CAs counts');
  },
};

export const TRUST_TARGETS: readonly FuzzTarget[] = [token, list, roots, signed];
