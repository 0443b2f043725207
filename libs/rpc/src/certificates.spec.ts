import { afterEach, beforeAll, describe, expect, test } from '@jest/globals';
import { formatAddress, parseAddress } from '@enjambre/common/config/address';
import { PeerIdentity } from '@enjambre/common/identity/identity';
import { createLogger } from '@enjambre/common/log/logger';
import { signingRequest } from '@enjambre/common/trust/authority';
import { issueToken } from '@enjambre/common/trust/join-tokens';
import { MemberTls, TestNetwork } from '@enjambre/harness/trust';
import { CertificateServiceService } from '@enjambre/proto/gen/enjambre/trust/v1/trust';
import { joinNetwork } from './certificates.js';
import { HandlerFactory } from './handlers.js';
import { GrpcServer } from './server.js';
import { tlsCredentials } from './tls-credentials.js';

let network: TestNetwork;
/** Another CA, for a network of the same name. */
let evil: TestNetwork;
let received: string[];
const cleanup: (() => unknown)[] = [];

beforeAll(async () => {
  [network, evil] = await Promise.all([TestNetwork.create(), TestNetwork.create()]);
});

afterEach(async () => {
  for (const undo of cleanup.splice(0).reverse()) await undo();
});

/** A tracker with a certificate of `of`, that presents these CAs. Returns its address. */
async function serve(
  of: TestNetwork,
  authorities: string,
  role: 'tracker' | 'agent' = 'tracker',
): Promise<string> {
  const log = createLogger({ name: 'test', level: 'silent' });
  const handlers = new HandlerFactory({ domain: 'test', log });
  received = [];
  const implementation = {
    getAuthorities: handlers.unary(() => ({ authorities, authorityLists: '' })),
    join: handlers.unary(({ token }: { token: string }) => {
      received.push(token);
      return { certificate: 'a certificate', authorities };
    }),
  };
  const services = [
    { name: 'enjambre.trust.v1.CertificateService', definition: CertificateServiceService, implementation },
  ];
  const credentials = tlsCredentials(new MemberTls(await of.member({ role })));
  const server = new GrpcServer({
    listen: parseAddress('127.0.0.1:0'),
    credentials,
    services,
    log,
    graceMs: 50,
  });
  await server.start();
  cleanup.push(() => server.stop());
  return formatAddress(server.address);
}

async function join(address: string): ReturnType<typeof joinNetwork> {
  const terms = {
    network: 'test',
    role: 'agent',
    names: [],
    uses: 1,
    expiresAt: Date.now() + 60_000,
  } as const;
  const token = issueToken({ cert: network.ca, key: network.key }, terms);
  const request = await signingRequest(PeerIdentity.generate().toPem());
  return joinNetwork({ address, token, signingRequest: request, name: 'alice' });
}

describe('joining a network', () => {
  test('gives the token to a tracker of that CA, and trusts no other CA that it names', async () => {
    const address = await serve(network, network.ca + evil.ca);
    expect(await join(address)).toEqual({ certificate: 'a certificate', authorities: network.ca });
    expect(received).toHaveLength(1);
  });

  test.each<[string, () => Promise<string>, string]>([
    [
      'presents the CA of the network and then its own',
      () => serve(evil, network.ca + evil.ca),
      'are of different networks',
    ],
    [
      'presents its own CA and then that of the network',
      () => serve(evil, evil.ca + network.ca),
      "no CA that this program trusts has signed the server's certificate",
    ],
    ['presents no certificate', () => serve(evil, 'nothing'), 'is not that of the join token'],
    [
      'is an agent of the network',
      () => serve(network, network.ca, 'agent'),
      'the server has the role agent, not tracker',
    ],
  ])('gives it to nobody who %s', async (_, start, why) => {
    await expect(join(await start())).rejects.toThrow(why);
    expect(received).toEqual([]);
  });
});
