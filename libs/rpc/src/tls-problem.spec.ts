import { expect, test } from '@jest/globals';
import { inPlainWords } from './tls-problem.js';

test.each([
  [
    'No connection established. Last error: Error: 80AC:error:0A00010B:SSL routines:ssl3_get_record:wrong version number:../deps/x.c:350:',
    'the server does not use TLS, which this program requires',
  ],
  [
    'No connection established. Last error: Error: certificate has expired',
    "the server's certificate has expired",
  ],
  [
    '808C:error:0A000119:SSL routines:ssl3_get_record:decryption failed or bad record mac:../deps/y.c:616:',
    'bytes were changed on the way',
  ],
  ['unable to verify the first certificate', 'the two are of different networks'],
  [
    '80AC:error:0A000410:SSL routines:ssl3_read_bytes:sslv3 alert handshake failure:1:SSL alert number 40',
    'the TLS handshake failed',
  ],
])('%s is reported in plain words', (text, words) => {
  expect(inPlainWords(text)).toContain(words);
});

test('other causes stay as they are', () => {
  expect(inPlainWords('connect ECONNREFUSED 127.0.0.1:7070')).toBe('connect ECONNREFUSED 127.0.0.1:7070');
});
