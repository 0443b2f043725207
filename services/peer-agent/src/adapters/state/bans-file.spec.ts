import { readFile, stat, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { createLogger } from '@enjambre/common/log/logger';
import fc from 'fast-check';
import { TestFolder } from '../../../test/support/folder.js';
import { peerNamed } from '../../../test/support/ids.js';
import type { Ban } from '../../domain/ban-list.js';
import { BansFile } from './bans-file.js';

const time = fc
  .date({ min: new Date(0), max: new Date('9999-01-01'), noInvalidDate: true })
  .map((date) => date.getTime());
const bans: fc.Arbitrary<Ban[]> = fc.array(
  fc.record({
    peerId: fc.string().map(peerNamed),
    name: fc.string({ maxLength: 64 }),
    reason: fc.string({ unit: 'grapheme', maxLength: 60 }),
    sinceMs: time,
    untilMs: time,
  }),
  { maxLength: 4 },
);
const log = createLogger({ name: 'test', level: 'silent' });
const said = jest.spyOn(log, 'error');
let folder: TestFolder;
let file: BansFile;

beforeEach(async () => {
  said.mockClear();
  folder = await TestFolder.make();
  file = new BansFile(folder.path, log);
});

afterEach(() => folder.remove());

async function setAside(): Promise<string[]> {
  return (await folder.tree()).filter((name) => name.startsWith('bans.json.bad-'));
}

describe('BansFile', () => {
  it('has no bans before any were saved, and logs nothing about it', async () => {
    expect(await file.load()).toEqual([]);
    expect(said).not.toHaveBeenCalled();
  });

  it('returns what was saved last, from a file that only its owner can read', async () => {
    await fc.assert(
      fc.asyncProperty(bans, bans, async (before, last) => {
        await file.save(before);
        await file.save(last);
        expect(await file.load()).toEqual(last);
      }),
      { numRuns: 20 },
    );
    expect((await stat(folder.at('bans.json'))).mode & 0o777).toBe(0o600);
  });

  it.each([
    ['nothing', ''],
    ['half of one', '{"version":1,"bans":['],
    ['one of another version', '{"version":2,"bans":[]}'],
    ['something else', '[1]'],
    [
      'an id that is none',
      JSON.stringify({
        version: 1,
        bans: [{ peer_id: 'zz', name: '', reason: '', since: '2026-01-01T00:00:00Z', until: '' }],
      }),
    ],
  ])('sets a file with %s aside, whole, logs it, and starts with no bans', async (_, text) => {
    await writeFile(folder.at('bans.json'), text);
    expect(await file.load()).toEqual([]);
    const [aside] = await setAside();
    expect(await readFile(folder.at(aside!), 'utf8')).toBe(text);
    expect(said.mock.calls).toEqual([
      [{ path: folder.at(aside!) }, expect.stringMatching(/^bans\.json cannot be read/)],
    ]);
    await file.save([]);
    expect(await file.load()).toEqual([]);
  });

  it('never fails whatever the file contains, and loses no byte of what it does not accept', async () => {
    const mutation = fc.record({
      at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
      byte: fc.nat(255),
    });
    const mutations = fc.array(mutation, { minLength: 1, maxLength: 3 });
    await fc.assert(
      fc.asyncProperty(bans, mutations, async (saved, changes) => {
        await folder.remove();
        await folder.write('x', '');
        await file.save(saved);
        const bytes = await readFile(folder.at('bans.json'));
        for (const { at, byte } of changes) bytes[Math.floor(at * bytes.length)] = byte;
        await writeFile(folder.at('bans.json'), bytes);
        const loaded = await file.load();
        const [aside] = await setAside();
        if (aside === undefined) expect(loaded).toHaveLength(saved.length);
        else expect((await readFile(folder.at(aside))).equals(bytes)).toBe(true);
      }),
      { numRuns: 40 },
    );
  });
});
