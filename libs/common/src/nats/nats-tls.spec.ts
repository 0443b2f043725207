import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nkeys as untyped } from 'nats';
import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { createLogger } from '../log/logger.js';
import { selfSigned } from '@enjambre/harness/certificate';
import { NatsServer } from '@enjambre/harness/nats-server';
import { waitFor } from '@enjambre/harness/wait-for';
import { NatsLink } from './nats-link.js';
import type { NatsFiles } from './nats-options.js';

/** nats.js has no types for it. */
const nkeys = untyped as { createUser(): { getPublicKey(): string; getSeed(): Uint8Array } };

let folder: string;
const links: NatsLink[] = [];

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'enjambre-nats-tls-'));
});

afterEach(async () => {
  for (const link of links.splice(0)) await link.stop();
});

afterAll(() => rm(folder, { recursive: true }));

async function keep(name: string, text: string): Promise<string> {
  await writeFile(join(folder, name), text);
  return join(folder, name);
}

/** A link, and its warnings. */
async function start(
  url: string,
  natsCa?: string,
  more: NatsFiles = {},
): Promise<{ link: NatsLink; warnings: string[] }> {
  const warnings: string[] = [];
  const log = createLogger({ name: 'test', level: 'warn' });
  jest.spyOn(log, 'warn').mockImplementation((line: unknown) => void warnings.push(String(line)));
  const link = new NatsLink({ log }, { url, files: { natsCa, ...more }, name: 'test' });
  links.push(link);
  await link.start();
  return { link, warnings };
}

describe('a server with TLS', () => {
  const good = selfSigned(['127.0.0.1', 'localhost']);
  let server: NatsServer;
  let ca: string;

  beforeAll(async () => {
    ca = await keep('ca.pem', good.cert);
    const key = await keep('key.pem', good.key);
    const flags = ['--tls', '--tlscert', ca, '--tlskey', key, '--user', 'me', '--pass', 'secret'];
    server = await NatsServer.start(flags);
  });

  afterAll(() => server.stop());

  const at = (scheme: string, host = '127.0.0.1'): string =>
    server.url.replace('nats://', `${scheme}://me:secret@`).replace('127.0.0.1', host);

  it.each([['tls'], ['nats']])('is used over TLS if its CA is known: %s://', async (scheme) => {
    const { link } = await start(at(scheme), ca);
    await waitFor(() => link.connected, { what: 'the connection' });
    await link.connection.flush();
    expect(link.connection.info?.tls_required).toBe(true);
  });

  it('is refused if no known CA has signed its certificate', async () => {
    const { link, warnings } = await start(at('tls'));
    expect(link.connected).toBe(false);
    expect(warnings.join()).toMatch(
      /is unreachable \(no known CA has signed its certificate: name its CA with --nats-ca\)/,
    );
  });

  it('is refused if its certificate is for another name', async () => {
    const other = selfSigned(['elsewhere.example']);
    const [cert, key] = [await keep('other.pem', other.cert), await keep('other-key.pem', other.key)];
    const elsewhere = await NatsServer.start(['--tls', '--tlscert', cert, '--tlskey', key]);
    try {
      const { link, warnings } = await start(elsewhere.url.replace('nats:', 'tls:'), cert);
      expect(link.connected).toBe(false);
      expect(warnings.join()).toMatch(/is unreachable \(its certificate is for another name: .*127\.0\.0\.1/);
    } finally {
      await elsewhere.stop();
    }
  });

  it('is not contacted if the CA file cannot be read', async () => {
    const start1 = start(at('tls'), join(folder, 'nothing.pem'));
    await expect(start1).rejects.toMatchObject({
      reason: 'BAD_NATS_CA',
      message: expect.stringMatching(
        /^--nats-ca: .*nothing\.pem cannot be read \(no such file or directory\): name a file/,
      ),
    });
    const start2 = start(at('tls'), await keep('junk.pem', 'junk'));
    await expect(start2).rejects.toMatchObject({
      message: expect.stringMatching(/junk\.pem holds no certificate/),
    });
  });
});

describe('a server that requires client certificates', () => {
  const its = selfSigned(['127.0.0.1']);
  const ours = selfSigned(['client.example']);
  let server: NatsServer;
  let ca: string;

  beforeAll(async () => {
    ca = await keep('server.pem', its.cert);
    const [key, clients] = [await keep('server-key.pem', its.key), await keep('clients.pem', ours.cert)];
    server = await NatsServer.start([
      '--tlsverify',
      '--tlscert',
      ca,
      '--tlskey',
      key,
      '--tlscacert',
      clients,
    ]);
  });

  afterAll(() => server.stop());

  it('accepts that of --nats-cert, and no connection without one', async () => {
    const natsCert = await keep('client.pem', ours.cert);
    const natsKey = await keep('client-key.pem', ours.key);
    const { link } = await start(server.url, ca, { natsCert, natsKey });
    await waitFor(() => link.connected, { what: 'the connection' });
    expect((await start(server.url, ca)).link.connected).toBe(false);
  });

  it.each<[string, () => Promise<NatsFiles>, RegExp]>([
    [
      'no key',
      async () => ({ natsCert: await keep('c.pem', ours.cert) }),
      /^--nats-cert and --nats-key are needed together$/,
    ],
    [
      'another key',
      async () => ({ natsCert: await keep('c.pem', ours.cert), natsKey: await keep('k.pem', its.key) }),
      /does not belong to the certificate/,
    ],
    [
      'no file',
      async () => ({ natsCert: join(folder, 'none'), natsKey: await keep('k.pem', its.key) }),
      /cannot be used \(no such file or directory\): name PEM files/,
    ],
  ])('is not contacted with %s', async (_, files, why) => {
    await expect(start(server.url, ca, await files())).rejects.toMatchObject({
      reason: 'BAD_NATS_CERT',
      message: expect.stringMatching(why),
    });
  });
});

describe('a server that requires an nkey', () => {
  it('accepts the seed in --nats-creds, and no other', async () => {
    const user = nkeys.createUser();
    const config = `authorization: { users: [ { nkey: ${user.getPublicKey()} } ] }`;
    const server = await NatsServer.start(['-c', await keep('nkey.conf', config)]);
    try {
      const natsCreds = await keep('user.nk', Buffer.from(user.getSeed()).toString());
      const { link } = await start(server.url, undefined, { natsCreds });
      await waitFor(() => link.connected, { what: 'the connection' });
      const other = await keep('other.nk', Buffer.from(nkeys.createUser().getSeed()).toString());
      const { link: refused, warnings } = await start(server.url, undefined, { natsCreds: other });
      expect(refused.connected).toBe(false);
      expect(warnings.join()).toMatch(/it refused the connection.*check .*--nats-creds/);
    } finally {
      await server.stop();
    }
  });

  it.each([
    ['nothing', 'cannot be read (no such file or directory)'],
    ['junk.creds', 'holds no credentials'],
  ])('is not contacted with %s', async (name, why) => {
    await keep('junk.creds', 'junk');
    await expect(
      start('nats://127.0.0.1:1', undefined, { natsCreds: join(folder, name) }),
    ).rejects.toMatchObject({
      reason: 'BAD_NATS_CREDS',
      message: expect.stringContaining(why),
    });
  });
});

describe('a server without TLS', () => {
  const sockets: Socket[] = [];

  afterEach(() => {
    for (const socket of sockets.splice(0)) socket.destroy();
  });

  /** Sends the greeting of a nats-server, and keeps the bytes that it receives. */
  async function listen(
    info: object,
  ): Promise<{ server: Server; heard: string[]; port: number; greeted: () => number }> {
    const heard: string[] = [];
    let greeted = 0;
    const server = createServer((socket) => {
      sockets.push(socket);
      greeted += 1;
      socket.on('data', (data) => heard.push(data.toString('latin1')));
      socket.on('error', () => undefined);
      socket.write(
        `INFO ${JSON.stringify({ server_id: 'x', version: '2.9.10', proto: 1, max_payload: 1 << 20, ...info })}\r\n`,
      );
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    return { server, heard, port: (server.address() as AddressInfo).port, greeted: () => greeted };
  }

  it.each([['tls://me:secret@127.0.0.1:PORT'], ['nats://me:secret@127.0.0.1:PORT,tls://127.0.0.1:PORT']])(
    'receives no byte where TLS is required: %s',
    async (url) => {
      const { server, heard, port, greeted } = await listen({});
      try {
        const { link, warnings } = await start(url.replaceAll('PORT', String(port)));
        expect(greeted()).toBeGreaterThan(0);
        expect(link.connected).toBe(false);
        expect(heard).toEqual([]);
        expect(warnings.join()).toMatch(/is unreachable \(it offers no TLS, and nothing was sent to it: /);
      } finally {
        await links.pop()?.stop();
        server.close();
      }
    },
  );

  it('receives no password if it asks for TLS but does not support it', async () => {
    const { server, heard, port } = await listen({ tls_required: true });
    try {
      const { link } = await start(`tls://me:secret@127.0.0.1:${port}`);
      expect(link.connected).toBe(false);
      expect(heard.join('')).not.toContain('secret');
      expect(heard.join('')).not.toContain('CONNECT');
    } finally {
      await links.pop()?.stop();
      server.close();
    }
  });
});
