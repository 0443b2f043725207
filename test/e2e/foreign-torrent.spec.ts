import { readFileSync } from 'node:fs';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { hashFile, hashTree } from '@enjambre/harness/content';
import { ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { lastLine } from './support/outcome.js';
import { statusOf } from './support/sharing.js';

jest.setTimeout(90_000);

/** Made by libtorrent 2.0.8. */
interface Vector {
  readonly name: string;
  readonly piece_length: number;
  readonly files_in: readonly { path: string; length: number; seed: number }[];
  readonly infohash_v2: string;
  readonly metainfo_base64: string;
}

const vectorFile = new URL('../../libs/core/test/vectors/bep52.json', import.meta.url);
const { vectors } = JSON.parse(readFileSync(vectorFile, 'utf8')) as { vectors: Vector[] };

/** The generator specified in the file of vectors: it repeats every 251 bytes. */
function generate(length: number, seed: number): Buffer {
  const period = Buffer.from(Array.from({ length: 251 }, (_, i) => (i * i + 31 * i + seed) % 251));
  return Buffer.alloc(length, period);
}

let swarm: ProcessSwarm;
let holder: SwarmAgent;
const getters: SwarmAgent[] = [];

beforeAll(async () => {
  swarm = await ProcessSwarm.create();
  await swarm.startTracker();
  const names = ['holder', 'by-infohash', 'by-magnet', 'by-file'];
  const [first, ...others] = await Promise.all(names.map((name) => swarm.startAgent(name)));
  holder = first!;
  getters.push(...others);
});

afterAll(() => swarm.stop());

const folder = (): string => join(swarm.root, 'held');
const torrentOf = ({ name }: Vector): string => join(swarm.root, `${name}.torrent`);

/** Puts content and `.torrent` where another client would leave them. */
async function makeContent(vector: Vector): Promise<void> {
  for (const { path, length, seed } of vector.files_in) {
    const file = join(folder(), vector.name, path);
    await mkdir(dirname(file), { recursive: true });
    await writeFile(file, generate(length, seed));
  }
  await writeFile(torrentOf(vector), Buffer.from(vector.metainfo_base64, 'base64'));
}

/** SHA-256 of all files of a vector below `parent`. */
async function hashes(parent: string, { name, files_in: files }: Vector): Promise<unknown> {
  return files[0]?.path === '' ? hashFile(join(parent, name)) : hashTree(join(parent, name));
}

describe.each(vectors)('the .torrent $name of libtorrent', (vector) => {
  const infohash = vector.infohash_v2;

  test('lets an agent take over its content in place, and serve it to others', async () => {
    await makeContent(vector);
    const get = ['get', torrentOf(vector), '--output', folder(), '--json'];
    expect(lastLine(await swarm.command(holder, get))).toMatchObject({ type: 'done', infohash });
    expect(await statusOf(swarm, holder, infohash)).toMatchObject({ state: 'seeding', downloaded_bytes: 0 });

    const refs = [infohash, `magnet:?xt=urn:btmh:1220${infohash}`, torrentOf(vector)];
    const results = await Promise.all(
      getters.map((getter, index) => swarm.command(getter, ['get', refs[index]!, '--json'])),
    );
    for (const result of results) expect(lastLine(result)).toMatchObject({ type: 'done', infohash });
    const original = await hashes(folder(), vector);
    for (const { downloadDir } of getters) expect(await hashes(downloadDir, vector)).toEqual(original);
  });
});

test.each(vectors.filter(({ name }) => ['odd.bin', 'tree', 'unicode'].includes(name)))(
  'the .torrent $name of libtorrent is what `share --torrent` makes of the same content, byte for byte',
  async (vector) => {
    const ours = join(swarm.root, `${vector.name}-ours.torrent`);
    const pieces = ['--piece-length', String(vector.piece_length)];
    const share = ['share', join(folder(), vector.name), ...pieces, '--torrent', ours, '--json'];
    expect(lastLine(await swarm.command(holder, share))).toMatchObject({ infohash: vector.infohash_v2 });
    expect((await readFile(ours)).toString('base64')).toBe(vector.metainfo_base64);
  },
);
