import { createHash } from 'node:crypto';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { decodeBencode } from '@enjambre/core/bencode';
import type { BencodeDict } from '@enjambre/core/bencode-value';
import { EnjambreError } from '@enjambre/core/error';
import { infoHashFromBytes } from '@enjambre/core/ids';
import { waitFor } from '@enjambre/harness/wait-for';
import { toServiceError } from '@enjambre/rpc/status';
import { bytesOf, metainfoOf } from '../support/content.js';
import { DownloadAgent } from '../support/download-agent.js';
import { HostileUploader, type Script } from '../support/hostile-uploader.js';

const data = bytesOf(100_000);
const metainfo = metainfoOf(data, 16 * 1024);

let agent: DownloadAgent;
const uploaders: { stop(): void }[] = [];

beforeEach(async () => {
  agent = await DownloadAgent.start();
});

afterEach(async () => {
  await agent.stop();
  for (const uploader of uploaders.splice(0)) uploader.stop();
});

async function uploader(name: string, script: Script = {}, of = metainfo): Promise<HostileUploader> {
  const made = await HostileUploader.start(name, { data, metainfo: of }, script);
  uploaders.push(made);
  return made;
}

describe('a torrent that cannot be used', () => {
  /** A folder whose name leads elsewhere: authenticated by its infohash, and refused. */
  const bytes = Buffer.from(
    metainfo.bytes.toString('latin1').replace(/4:name\d+:[^:]*?12:piece length/, '4:name2:..12:piece length'),
    'latin1',
  );
  const infohash = infoHashFromBytes(
    createHash('sha256')
      .update((decodeBencode(bytes) as BencodeDict).raw('info'))
      .digest(),
  );
  const unusable = { ...metainfo, bytes, infohash };

  it('fails with the reason, however many peers have it', async () => {
    agent.tracker.add((await uploader('honest', {}, unusable)).address);
    const transfer = await agent.resolve(unusable);
    await waitFor(() => transfer.view().state === 'failed', {
      what: 'the transfer to fail',
      seen: () => transfer.view().message,
    });
    expect(transfer.view().message).toContain(
      'the torrent itself cannot be used: bad metainfo: its name ".."',
    );
  });

  it('is one that was read, not one that a peer speaks of', async () => {
    let claims = 0;
    const { address: liar } = await uploader('mallory', {
      metainfo: (call) => {
        claims += 1;
        const claim = new EnjambreError('invalid', 'UNUSABLE_TORRENT', 'the torrent itself cannot be used');
        call.emit('error', toServiceError(claim, 'enjambre'));
      },
    });
    agent.tracker.add(liar);
    const transfer = await agent.resolve(metainfo);
    const seen = () => `${claims} claims; ${transfer.view().state}: ${transfer.view().message}`;
    await waitFor(() => claims > 0, { what: 'a claim of the liar', seen });
    agent.tracker.add((await uploader('honest')).address);
    expect((await agent.finished(transfer)).equals(data)).toBe(true);
  });
});
