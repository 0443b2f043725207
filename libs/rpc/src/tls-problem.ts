/** What the errors of OpenSSL and Node mean between programs of a network. The first that matches counts. */
const MEANINGS: readonly (readonly [RegExp, string])[] = [
  [/wrong version number|packet length too long/, 'the server does not use TLS, which this program requires'],
  [
    /certificate has expired/i,
    "the server's certificate has expired by the clock here: renew it, or check the clock",
  ],
  [
    /certificate is not yet valid/i,
    "the server's certificate is not valid yet by the clock here: check the clock",
  ],
  [
    /self[- ]signed certificate|unable to (?:verify|get)|certificate signature failure/i,
    "no CA that this program trusts has signed the server's certificate: the two are of different networks",
  ],
  [/bad record mac|decryption failed/, 'bytes were changed on the way'],
  [/alert protocol version/, 'the server does not use TLS 1.3'],
  [/SSL routines|alert number/, 'the TLS handshake failed'],
];

/** The cause of a failed connection in plain words; the text itself if it is not about TLS. */
export function inPlainWords(text: string): string {
  return MEANINGS.find(([pattern]) => pattern.test(text))?.[1] ?? text;
}
