import { expect, jest, test } from '@jest/globals';
import { ProcessSwarm } from '@enjambre/harness/swarm';

jest.setTimeout(120_000);

/** Memory limit in MB, enough for the worst accepted metainfo; without a bound it would be several GB. */
const HEAP = 640;

/** Reads it in a separate process, which dies if it exceeds the memory limit. */
const READER = `
  const [kind] = process.argv.slice(1);
  const units = { lists: 'le', strings: '0:', dictionaries: 'd1:ai0ee', nested: 'd0:d0:i0eee' };
  const file = (i) => '7:' + (1000000 + i) + 'd0:d6:lengthi1e11:pieces root32:' + 'x'.repeat(32) + 'ee';
  const files = () => 'd4:infod9:file treed' + Array.from({ length: 499990 }, (_, i) => file(i)).join('') +
    'e12:meta versioni2e4:name1:t12:piece lengthi262144eee';
  const text = kind === 'files' ? files() : 'l' + units[kind].repeat(6000000) + 'e';
  const { parseMetainfo } = await import('@enjambre/core/metainfo-parse');
  try {
    console.log(parseMetainfo(Buffer.from(text, 'latin1')).files.length);
  } catch (error) {
    console.log(error.message);
  }
`;

test.each([
  ['lists', /two million values/],
  ['strings', /two million values/],
  ['dictionaries', /two million values/],
  ['nested', /two million values/],
  ['files', /^499990$/],
])('metainfo of very many %s takes a bounded amount of memory', async (kind, answer) => {
  const swarm = await ProcessSwarm.create();
  try {
    const args = [`--max-old-space-size=${HEAP}`, '--input-type=module', '--eval', READER, kind];
    const reader = swarm.spawn(process.execPath, args, { cwd: process.cwd() });
    expect({ code: await reader.wait(), said: reader.stdout.join(), stderr: reader.stderr.join() }).toEqual({
      code: 0,
      said: expect.stringMatching(answer),
      stderr: '',
    });
  } finally {
    await swarm.stop();
  }
});
