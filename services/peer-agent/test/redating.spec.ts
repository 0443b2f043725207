import { afterEach, expect, test } from '@jest/globals';
import { SYSTEM_CLOCK } from '@enjambre/common/async/clock';
import { createLogger } from '@enjambre/common/log/logger';
import { waitFor } from '@enjambre/harness/wait-for';
import { writePublished } from '../src/adapters/state/published-file.js';
import { redate } from '../src/app/transfer/redating.js';
import type { Transfer } from '../src/app/transfer/transfer.js';
import { bytesOf } from './support/content.js';
import { DownloadAgent } from './support/download-agent.js';
import { TestFolder } from './support/folder.js';
import { infoHash } from './support/ids.js';

const NAME = 'file.bin';
const log = createLogger({ name: 'test', level: 'silent' });
let agent: DownloadAgent;

afterEach(() => agent.stop());

async function share(path: string, bytes: number): Promise<Transfer> {
  await agent.folder.write(path, bytesOf(bytes));
  const { signal } = new AbortController();
  const options = {
    path: agent.folder.at(path),
    name: NAME,
    pieceLength: 16_384,
    signal,
    progress: () => undefined,
  };
  return (await agent.transfers.share(options)).transfer;
}

test('a version that the tracker refuses as of the future is signed and announced again, once the clock is right', async () => {
  const folder = await TestFolder.make();
  const publishedAtMs = Date.now() + 2 * 3_600_000;
  const removed = { name: NAME, infohash: infoHash('aa'), version: 2, publishedAtMs, signed: 'c2ln' };
  await folder.write('data/published.json', Buffer.from(writePublished([removed])));
  agent = await DownloadAgent.start(folder);

  const transfer = await share('w.bin', 1000);
  const refused = transfer.record.published;
  expect(refused).toMatchObject({ version: 3, publishedAtMs: publishedAtMs + 1 });

  const before = agent.tracker.said.length;
  redate({ clock: SYSTEM_CLOCK, transfers: agent.transfers, log }, transfer.infohash);
  await waitFor(() => agent.tracker.said.length > before, { what: 'the announcement', everyMs: 5 });
  const { version, publishedAtMs: at = 0 } = transfer.record.published ?? {};
  expect(version).toBe(3);
  expect(at).toBeLessThanOrEqual(Date.now());

  // Other files, and one whose time has come, stay as they are.
  redate({ clock: SYSTEM_CLOCK, transfers: agent.transfers, log }, transfer.infohash);
  redate({ clock: SYSTEM_CLOCK, transfers: agent.transfers, log }, infoHash('bb'));
  const next = await share('v.bin', 2000);
  expect(next.record.published).toMatchObject({ version: 4 });
  expect(next.record.published?.publishedAtMs).toBeLessThanOrEqual(Date.now());
  expect(transfer.record.published?.publishedAtMs).toBe(at);
});
