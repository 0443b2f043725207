import { createServer, type AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { PeerIdentity } from '@enjambre/common/identity/identity';
import { Bitfield } from '@enjambre/core/bitfield';
import type { EnjambreError } from '@enjambre/core/error';
import { parseTcpAddress } from '@enjambre/common/config/address';
import { dialer } from '@enjambre/harness/dialer';
import { BLOCK_SIZE, PieceLayout } from '@enjambre/core/layout';
import { EndpointGuard } from '../../src/adapters/peer/client/endpoint-guard.js';
import { GrpcPeerConnector } from '../../src/adapters/peer/client/peer-connector.js';
import type { PeerAddress } from '../../src/app/ports/peers.js';
import { bytesOf, metainfoOf } from '../support/content.js';
import { infoHash, peerNamed } from '../support/ids.js';

const infohash = infoHash('ab');
const layout = new PieceLayout(metainfoOf(bytesOf(1), BLOCK_SIZE));
const self = { peerId: peerNamed('self'), name: 'self', version: 'test' };

/** Only this agent dials this server. */
const server = createServer((socket) => {
  dialed += 1;
  socket.destroy();
});
let dialed = 0;
let port = 0;
let own = '';
let trackerIsHere = true;

beforeEach(async () => {
  dialed = 0;
  trackerIsHere = true;
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  port = (server.address() as AddressInfo).port;
  own = `127.0.0.1:${port}`;
});

afterEach(() => new Promise((resolve) => server.close(resolve)));

function connector(): GrpcPeerConnector {
  const servers = () => [parseTcpAddress(own)];
  const guard = new EndpointGuard({ servers, trackerIsHere: () => trackerIsHere });
  return new GrpcPeerConnector({ self, signer: PeerIdentity.generate(), dialer, guard });
}

function peerAt(...endpoints: string[]): PeerAddress {
  return { peerId: peerNamed('bob'), name: 'bob', endpoint: endpoints[0] ?? '', endpoints, seeder: true };
}

/** How a link to a peer ends. */
function endOf(peer: PeerAddress): Promise<EnjambreError> {
  return new Promise((resolve) => {
    connector().open(peer, { infohash, layout, have: Bitfield.empty(1) }, (news) => {
      if (news.type === 'source-left') resolve(news.error);
    });
  });
}

describe('an agent that receives its own address as that of a peer', () => {
  it('does not dial itself, and reports where the peer is announced', async () => {
    const bob = peerAt(`127.0.0.1:${port}`, 'no address');
    const expected = {
      code: 'unavailable',
      reason: 'NO_ENDPOINT',
      message: expect.stringContaining(
        `bob is announced at 127.0.0.1:${port}, which is not reachable from here`,
      ),
    };
    expect(await endOf(bob)).toMatchObject(expected);
    const fetched = connector().fetchMetainfo(bob, infohash, new AbortController().signal);
    await expect(fetched).rejects.toMatchObject(expected);
    expect(dialed).toBe(0);
  });

  it('dials the other addresses of that peer', async () => {
    const bob = peerAt(`127.0.0.1:${port}`, '127.0.0.1:1');
    expect((await endOf(bob)).message).toContain('127.0.0.1:1');
    expect(dialed).toBe(0);
  });
});

describe('an agent whose tracker is on another machine', () => {
  it('dials no loopback address that a stranger names, in whatever notation', async () => {
    trackerIsHere = false;
    own = '192.0.2.1:7072';
    for (const host of [
      '127.0.0.1',
      'localhost',
      '[::ffff:127.0.0.1]',
      '[::ffff:7f00:1]',
      '127.1',
      '2130706433',
    ]) {
      const error = await endOf(peerAt(`${host}:${port}`));
      expect([host, error.reason, error.message]).toEqual([
        host,
        'ADDRESS_REFUSED',
        expect.stringContaining(`bob is announced at ${host}:${port}, a loopback address`),
      ]);
    }
    const fetched = connector().fetchMetainfo(
      peerAt(`127.0.0.1:${port}`),
      infohash,
      new AbortController().signal,
    );
    await expect(fetched).rejects.toMatchObject({ reason: 'ADDRESS_REFUSED' });
    expect(dialed).toBe(0);
  });

  it('dials no link-local, multicast, broadcast or unspecified address', async () => {
    for (const host of [
      '169.254.169.254',
      '[fe80::1]',
      '[fe80::1%lo]',
      '[::ffff:169.254.169.254]',
      '224.0.0.1',
      '[ff02::1]',
      '255.255.255.255',
      '0.0.0.0',
      '[::]',
      '[::ffff:0.0.0.0]',
      '[::127.0.0.1]',
      '',
    ])
      expect([host, (await endOf(peerAt(`${host}:80`))).reason]).toEqual([host, 'ADDRESS_REFUSED']);
  });
});
