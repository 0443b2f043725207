import { readdir } from 'node:fs/promises';
import { afterEach, beforeEach, expect, it } from '@jest/globals';
import { SYSTEM_CLOCK } from '@enjambre/common/async/clock';
import { createLogger } from '@enjambre/common/log/logger';
import { waitFor } from '@enjambre/harness/wait-for';
import type { Metainfo } from '@enjambre/core/metainfo';
import { Following } from '../src/app/transfer/following.js';
import { bytesOf, folderMetainfo } from './support/content.js';
import { DownloadAgent } from './support/download-agent.js';
import { TestFolder } from './support/folder.js';
import { peerNamed } from './support/ids.js';
import { inState } from './support/in-state.js';
import { Uploader } from './support/uploader.js';

const PIECE = 16 * 1024;
const NAME = 'set';

let seed: TestFolder;
let agent: DownloadAgent;
let following: Following | undefined;
const uploaders: Uploader[] = [];

beforeEach(async () => {
  seed = await TestFolder.make();
  agent = await DownloadAgent.start();
});

afterEach(async () => {
  await following?.stop();
  await agent.stop();
  for (const uploader of uploaders.splice(0)) await uploader.stop();
  await seed.remove();
});

/** A publisher shares a folder with these files as the next version of its name. */
async function published(version: number, ...paths: string[]): Promise<Metainfo> {
  const contents = Object.fromEntries(paths.map((path) => [path, bytesOf(PIECE + version, version)]));
  for (const [path, data] of Object.entries(contents)) await seed.write(`v${version}/${path}`, data);
  const metainfo = folderMetainfo(contents, PIECE, NAME);
  const { infohash, totalLength: size, files } = metainfo;
  const { files: listed } = agent.tracker;
  for (const [index, file] of listed.entries()) listed[index] = { ...file, superseded: true };
  const publisher = { id: peerNamed('alice'), name: 'alice' };
  const publications = [{ publisher, version, publishedAtMs: version * 1000 }];
  const facts = { fileCount: files.length, pieceLength: PIECE, disputed: false, superseded: false };
  listed.push({ infohash, name: NAME, size, ...facts, publications });
  const uploader = await Uploader.start(metainfo, seed.at(`v${version}`), { name: `alice-${version}` });
  uploaders.push(uploader);
  agent.tracker.join(infohash, uploader.named());
  return metainfo;
}

const present = (): Promise<string[]> => readdir(agent.folder.at('downloads', NAME), { recursive: true });

const untilState = ({ infohash }: Metainfo, state: string, reason = ''): Promise<unknown> =>
  waitFor(
    () => {
      const view = agent.transfers.at(infohash)?.view();
      return view?.state === state && view.reason === reason;
    },
    { what: `${state} ${reason}`, seen: () => agent.transfers.list().map((its) => its.view()) },
  );

it('a followed folder keeps its selection for each new version, and waits for one that has such files', async () => {
  await published(1, 'sub/one', 'other/x');
  const source = { kind: 'ref', ref: NAME } as const;
  const options = { outputDir: '', follow: true, select: ['sub'] };
  await inState((await agent.transfers.download(source, options)).transfer, 'seeding');
  expect((await present()).sort()).toEqual(['sub', 'sub/one']);

  const log = createLogger({ name: 'agent', level: 'silent' });
  const parts = {
    clock: SYSTEM_CLOCK,
    transfers: agent.transfers,
    tracker: agent.tracker,
    random: () => 0,
    log,
  };
  following = new Following(parts, { intervalMs: 20 });
  await following.start();
  const second = await published(2, 'sub/two', 'other/y');
  await untilState(second, 'seeding');
  expect((await present()).sort()).toEqual(['sub', 'sub/two']);
  expect(agent.transfers.list().map(({ record }) => record)).toMatchObject([
    { infohash: second.infohash, select: ['sub'], follow: true },
  ]);

  await untilState(await published(3, 'other/z'), 'failed', 'NOTHING_SELECTED');
  expect((await present()).sort()).toEqual(['sub', 'sub/two']);
  expect(agent.transfers.at(second.infohash)?.state).toBe('seeding');

  const fourth = await published(4, 'sub/four', 'other/z');
  await untilState(fourth, 'seeding');
  expect((await present()).sort()).toEqual(['sub', 'sub/four']);
  expect(agent.transfers.list().map(({ infohash }) => infohash)).toEqual([fourth.infohash]);
});
