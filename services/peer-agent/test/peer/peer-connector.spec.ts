import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Bitfield } from '@enjambre/core/bitfield';
import { PieceLayout } from '@enjambre/core/layout';
import { waitFor } from '@enjambre/harness/wait-for';
import type { GrpcPeerConnector } from '../../src/adapters/peer/client/peer-connector.js';
import type { SourceNews } from '../../src/app/ports/peers.js';
import { BadLink } from '../support/bad-link.js';
import { shortenTimers } from '../support/shorten.js';
import { CONTENT, peerConnectorContract } from './contract.js';
import { GrpcSite } from './grpc-site.js';

describe('over connections', () => {
  peerConnectorContract(() => GrpcSite.make());
});

describe('the connections to an uploader', () => {
  const { metainfo } = CONTENT;
  const { infohash } = metainfo;
  const layout = new PieceLayout(metainfo);
  let site: GrpcSite;
  let connector: GrpcPeerConnector;
  let way: BadLink;

  beforeEach(async () => {
    site = await GrpcSite.make();
    connector = site.connector();
    way = await BadLink.open((await site.uploader('uploader')).address, () => false);
  });

  afterEach(async () => {
    await site.close();
    way.stop();
  });

  /** Fetches the metainfo and a block, as the download of a small file does. */
  const download = async (): Promise<void> => {
    await connector.fetchMetainfo(way.address, infohash, AbortSignal.timeout(10_000));
    const news: SourceNews[] = [];
    const until = (type: SourceNews['type']): Promise<unknown> =>
      waitFor(() => news.some((one) => one.type === type), { what: type, everyMs: 2, seen: () => news });
    const have = Bitfield.empty(layout.pieceCount);
    const source = connector.open(way.address, { infohash, layout, have }, (one) => news.push(one));
    await until('source-joined');
    source.request(1, { piece: 0, begin: 0, length: layout.blockSize(0, 0) });
    await until('block-arrived');
    source.close('COMPLETE', 'the download is complete');
  };

  it('are used again for the next small file', async () => {
    for (let file = 0; file < 5; file++) await download();
    expect(way.connections).toBe(3);
  });

  it('are closed some time after their last use', async () => {
    const { restore, ranOut } = shortenTimers(5000, 100);
    try {
      await download();
      await ranOut;
      await waitFor(() => way.open === 0, { what: 'the end of all connections', seen: () => way.open });
    } finally {
      restore();
    }
    await download();
    expect(way.connections).toBe(6);
  });

  it('are closed with the connector', async () => {
    await download();
    await connector.close();
    await waitFor(() => way.open === 0, { what: 'the end of all connections', seen: () => way.open });
  });
});
