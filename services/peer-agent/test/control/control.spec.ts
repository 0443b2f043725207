import { symlink } from 'node:fs/promises';
import { makeGenericClientConstructor, Metadata } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { callUnary, readStream } from '@enjambre/rpc/client';
import { dialer } from '@enjambre/harness/dialer';
import { formatAddress, parseAddress, type Address } from '@enjambre/common/config/address';
import { GrpcServer } from '@enjambre/rpc/server';
import { newer } from '@enjambre/harness/newer';
import { PeerIdentity } from '@enjambre/common/identity/identity';
import { createLogger } from '@enjambre/common/log/logger';
import {
  Distance,
  AgentServiceClient,
  DownloadRequest,
  AgentServiceService,
  LinkPolicy,
  Priority,
  TrackerState,
  ShareRequest,
  TransferState,
  LimitChange,
  type ShareResponse,
} from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { PLAINTEXT } from '@enjambre/rpc/credentials';
import { controlServices } from '../../src/adapters/control/agent-handlers.js';
import { TrackerLink } from '../../src/adapters/tracker/tracker-link.js';
import { bytesOf, metainfoOf } from '../support/content.js';
import { InboxFile } from '../../src/adapters/state/inbox-file.js';
import { NamesFile } from '../../src/adapters/state/names-file.js';
import { parsePeerId } from '@enjambre/core/ids';
import { Messages } from '../../src/app/messages/messages.js';
import { DownloadAgent } from '../support/download-agent.js';
import { infoHash, peerNamed } from '../support/ids.js';
import { TestFolder } from '../support/folder.js';
import { SYSTEM_CLOCK } from '@enjambre/common/async/clock';
import type { RemoteRoots } from '../../src/adapters/control/remote-roots.js';

const TOKEN = 'the-right-token-of-this-agent';
/** Refuses calls without delay. */
const IMPATIENT = { ...SYSTEM_CLOCK, sleep: () => Promise.resolve(true) };
const log = createLogger({ name: 'test', level: 'silent' });
let folder: TestFolder;
let agent: DownloadAgent;
let tracker: TrackerLink;
let servers: GrpcServer[];
let clients: AgentServiceClient[];

beforeEach(async () => {
  [servers, clients] = [[], []];
  folder = await TestFolder.make();
  agent = await DownloadAgent.start();
  const description = { name: 'a', endpoints: [':1'], labels: {}, version: 'test' };
  tracker = new TrackerLink(
    { identity: PeerIdentity.generate(), dialer, log },
    { addresses: ['127.0.0.1:1'], description: () => description },
  );
});

afterEach(async () => {
  for (const client of clients) client.close();
  await Promise.all(servers.map((server) => server.stop()));
  await agent.stop();
  await tracker.stop();
  await folder.remove();
});

async function controlled(
  listen: Address,
  token?: string,
  roots: RemoteRoots = {},
): Promise<AgentServiceClient> {
  const facts = () => ({
    id: 'p',
    name: 'agent',
    version: 'test',
    listen: '',
    dataDir: '',
    downloadDir: '',
    startedAt: new Date(),
  });
  const messages = new Messages({
    clock: SYSTEM_CLOCK,
    archive: new InboxFile(folder.path, log),
    names: new NamesFile(folder.path, log),
    self: { peerId: parsePeerId('ab'.repeat(32)), name: 'agent' },
    relay: undefined,
    log,
  });
  const services = controlServices(
    {
      clock: IMPATIENT,
      transfers: agent.transfers,
      limits: agent.limits,
      locality: agent.locality,
      bans: agent.bans,
      messages,
      tracker,
      relay: undefined,
      facts,
      log,
    },
    { roots, ...(token !== undefined && { token }) },
  );
  const server = new GrpcServer({ listen, credentials: PLAINTEXT, services, log, graceMs: 50 });
  await server.start();
  servers.push(server);
  const client = dialer.client(AgentServiceClient, formatAddress(server.address), 'agent');
  clients.push(client);
  return client;
}

/** A client of a newer version. */
async function byNewerCommand(): Promise<AgentServiceClient> {
  const known = await bySocket();
  const Client = makeGenericClientConstructor(newer(AgentServiceService), 'newer');
  const client = new Client(known.getChannel().getTarget(), PLAINTEXT.channel('agent'));
  clients.push(client as unknown as AgentServiceClient);
  return client as unknown as AgentServiceClient;
}

const bySocket = (): Promise<AgentServiceClient> => controlled({ kind: 'unix', path: folder.at('c.sock') });

function bearer(...values: string[]): Metadata {
  const metadata = new Metadata();
  for (const value of values) metadata.add('authorization', value);
  return metadata;
}

async function share(
  client: AgentServiceClient,
  path: string,
  wrong: { pieceLength?: number; name?: string } = {},
): Promise<ShareResponse[]> {
  const answers: ShareResponse[] = [];
  for await (const answer of readStream(client.share(ShareRequest.fromPartial({ path, ...wrong }))))
    answers.push(answer);
  return answers;
}

it('serves a newer client, as far as it knows its requests', async () => {
  const client = await byNewerCommand();
  const path = await folder.write('newer.bin', bytesOf(1000));
  const answers = await share(client, path);
  expect(answers.at(-1)?.result?.$case).toBe('shared');
  const { transfers } = await callUnary(client.listTransfers.bind(client), {});
  expect(transfers.map(({ name }) => name)).toEqual(['newer.bin']);
});

describe('control over TCP', () => {
  it('serves clients with the token', async () => {
    const client = await controlled(parseAddress('127.0.0.1:0'), TOKEN);
    const { name, trackerState, trackerError } = await callUnary(
      client.getInfo.bind(client),
      {},
      { metadata: bearer(`Bearer ${TOKEN}`) },
    );
    expect([name, trackerState, trackerError]).toEqual(['agent', TrackerState.CONNECTING, 'connecting']);
  });

  it.each([
    ['no token', bearer()],
    ['another token', bearer('Bearer the-wrong-token-of-this-agent')],
    ['a part of the token', bearer(`Bearer ${TOKEN.slice(0, -1)}`)],
    ['more than the token', bearer(`Bearer ${TOKEN}x`)],
    ['an empty token', bearer('Bearer ')],
    ['the token by another scheme', bearer(`Basic ${TOKEN}`)],
    ['the token alone', bearer(TOKEN)],
  ])('rejects %s, for every kind of call', async (_, metadata) => {
    const client = await controlled(parseAddress('127.0.0.1:0'), TOKEN);
    const refusal = { code: 'unauthenticated', reason: 'BAD_TOKEN' };
    await expect(callUnary(client.listTransfers.bind(client), {}, { metadata })).rejects.toMatchObject(
      refusal,
    );
    const sharing = client.share(
      ShareRequest.fromPartial({ path: await folder.write('file', 'x') }),
      metadata,
    );
    await expect(readStream(sharing).next()).rejects.toMatchObject(refusal);
    expect(agent.transfers.list()).toEqual([]);
  });
});

describe('control over the socket', () => {
  it('requires no token', async () => {
    const client = await bySocket();
    expect(await callUnary(client.listTransfers.bind(client), {})).toEqual({ transfers: [] });
  });

  it('shares a file: progress, and finally its transfer', async () => {
    const client = await bySocket();
    const data = bytesOf(24 << 20);
    const path = await folder.write('file.bin', data);
    const answers = await share(client, path, { pieceLength: 1 << 18 });
    const last = answers.at(-1)?.result;
    if (last?.$case !== 'shared') throw new Error('nothing was shared');
    const { metainfo, magnet, transfer, alreadyShared } = last.value;
    expect(Buffer.from(metainfo).equals(metainfoOf(data, 1 << 18).bytes)).toBe(true);
    expect(magnet).toBe(`magnet:?xt=urn:btmh:1220${transfer?.infohash ?? ''}&dn=file.bin`);
    expect([alreadyShared, transfer?.origin, transfer?.doneBytes]).toEqual([
      false,
      true,
      BigInt(data.length),
    ]);
    const progress = answers
      .slice(0, -1)
      .map(({ result }) => (result?.$case === 'progress' ? result.value.doneBytes : -1n));
    expect(progress).toEqual([...progress].sort((a, b) => Number(a - b)));
    const again = (await share(client, path, { pieceLength: 1 << 18 })).at(-1)?.result;
    expect(again?.$case === 'shared' && again.value.alreadyShared).toBe(true);
  });

  it.each([1, 16_383, 24_576, 128 << 20])('refuses a piece length of %i', async (pieceLength) => {
    const client = await bySocket();
    const sharing = share(client, await folder.write('file', 'x'), { pieceLength });
    await expect(sharing).rejects.toMatchObject({ code: 'invalid', reason: 'BAD_PIECE_LENGTH' });
  });

  it('refuses invalid paths and names, with the reason', async () => {
    const client = await bySocket();
    const path = await folder.write('file', 'x');
    await expect(share(client, 'file')).rejects.toMatchObject({ reason: 'PATH_NOT_ABSOLUTE' });
    await expect(share(client, folder.at('none'))).rejects.toMatchObject({
      code: 'not-found',
      reason: 'PATH_NOT_FOUND',
    });
    await expect(share(client, path, { name: '../up' })).rejects.toMatchObject({ reason: 'BAD_NAME' });
    const download = callUnary(client.download.bind(client), DownloadRequest.fromPartial({}));
    await expect(download).rejects.toMatchObject({ code: 'invalid', reason: 'BAD_REF' });
    const crafted = callUnary(
      client.download.bind(client),
      DownloadRequest.fromPartial({ source: { $case: 'metainfo', value: Buffer.from('de') } }),
    );
    await expect(crafted).rejects.toMatchObject({ code: 'invalid', reason: 'BAD_METAINFO' });
  });

  it('gives the next step for an unknown name, in every call that takes one', async () => {
    const client = await bySocket();
    const calls = [
      client.getTransfer.bind(client),
      client.pauseTransfer.bind(client),
      client.resumeTransfer.bind(client),
      client.verifyTransfer.bind(client),
    ];
    for (const call of calls) {
      const asked = callUnary(call, { ref: 'nobody' });
      await expect(asked).rejects.toMatchObject({ code: 'not-found', reason: 'UNKNOWN_REF' });
    }
    const explained = callUnary(client.explainTransfer.bind(client), { ref: 'nobody' });
    await expect(explained).rejects.toMatchObject({ reason: 'UNKNOWN_REF' });
    const watching = readStream(client.watchTransfer({ ref: 'nobody', interval: undefined })).next();
    await expect(watching).rejects.toMatchObject({ reason: 'UNKNOWN_REF' });
  });

  it('follows a transfer through its states to its removal', async () => {
    const client = await bySocket();
    await share(client, await folder.write('file', 'some bytes'));
    const states: TransferState[] = [];
    for await (const { transfer } of readStream(
      client.watchTransfer({ ref: 'file', interval: { seconds: 60n, nanos: 0 } }),
    )) {
      if (states.at(-1) === transfer?.state) continue;
      states.push(transfer!.state);
      if (transfer?.state === TransferState.SEEDING)
        await callUnary(client.pauseTransfer.bind(client), { ref: 'file' });
      if (transfer?.state === TransferState.PAUSED)
        await callUnary(client.removeTransfer.bind(client), { ref: 'file', deleteData: false, force: false });
    }
    expect(states.at(-1)).toBe(TransferState.PAUSED);
    expect(agent.transfers.list()).toEqual([]);
    expect(await folder.tree()).toContain('file');
  });

  it("explains downloads only, and counts the agent's traffic by distance", async () => {
    const client = await bySocket();
    await share(client, await folder.write('file', 'some bytes'));
    const explained = callUnary(client.explainTransfer.bind(client), { ref: 'file' });
    await expect(explained).rejects.toMatchObject({ code: 'precondition', reason: 'NOT_DOWNLOADED' });
    agent.locality.traffic.received('far', 7);
    agent.locality.traffic.sent('rack', 8);
    expect((await callUnary(client.getInfo.bind(client), {})).traffic).toEqual([
      { distance: Distance.RACK, downloadedBytes: 0n, uploadedBytes: 8n },
      { distance: Distance.FAR, downloadedBytes: 7n, uploadedBytes: 0n },
    ]);
  });

  it('does not delete shared content from its place', async () => {
    const client = await bySocket();
    await share(client, await folder.write('file', 'some bytes'));
    const removal = callUnary(client.removeTransfer.bind(client), {
      ref: 'file',
      deleteData: true,
      force: false,
    });
    await expect(removal).rejects.toMatchObject({ code: 'precondition', reason: 'NOT_DOWNLOADED' });
    expect(await folder.tree()).toContain('file');
    expect(agent.transfers.list()).toHaveLength(1);
  });

  it('sets limits of the agent and of a transfer, and keeps unnamed ones', async () => {
    const client = await bySocket();
    const setLimits = client.setLimits.bind(client);
    const none = LimitChange.fromPartial({});
    await share(client, await folder.write('file', 'some bytes'));
    await callUnary(setLimits, { ref: '', change: { ...none, maxUpload: 5_000_000n } });
    const agents = await callUnary(setLimits, { ref: '', change: { ...none, maxDownload: 70_000n } });
    expect(agents).toEqual({ transfer: undefined, maxUpload: 5_000_000n, maxDownload: 70_000n });
    const info = await callUnary(client.getInfo.bind(client), {});
    expect(info).toMatchObject({ maxUpload: 5_000_000n, maxDownload: 70_000n });

    await callUnary(setLimits, {
      ref: 'file',
      change: { ...none, maxUpload: 9000n, priority: Priority.HIGH },
    });
    const { transfer } = await callUnary(setLimits, { ref: 'file', change: { ...none, maxDownload: 8000n } });
    const its = { maxUpload: 9000n, maxDownload: 8000n, priority: Priority.HIGH };
    expect(transfer).toMatchObject(its);
    expect((await callUnary(client.getTransfer.bind(client), { ref: 'file' })).transfer).toMatchObject(its);
    const lifted = await callUnary(setLimits, { ref: 'file', change: { ...none, maxUpload: 0n } });
    expect(lifted.transfer).toMatchObject({ ...its, maxUpload: 0n });
  });

  it('sets the seeding limits of a transfer: negative for none, absent for the default', async () => {
    const client = await bySocket();
    const none = LimitChange.fromPartial({});
    await share(client, await folder.write('seeded', 'some bytes'));
    const set = async (change: Partial<LimitChange>) =>
      (await callUnary(client.setLimits.bind(client), { ref: 'seeded', change: { ...none, ...change } }))
        .transfer;
    expect(await set({ maxUpload: 0n })).toMatchObject({ seedRatio: undefined, seedTime: undefined });
    const time = { seconds: 90n, nanos: 500_000_000 };
    expect(await set({ seedRatio: 2.5, seedTime: time })).toMatchObject({ seedRatio: 2.5, seedTime: time });
    expect(await set({ seedRatio: -1 })).toMatchObject({ seedRatio: undefined, seedTime: time });
    await expect(set({ seedRatio: NaN })).rejects.toMatchObject({ reason: 'BAD_SEED_LIMIT' });
    const ofAll = { ref: '', change: { ...none, seedRatio: 2 } };
    await expect(callUnary(client.setLimits.bind(client), ofAll)).rejects.toMatchObject({
      code: 'invalid',
      reason: 'NO_TRANSFER',
    });
  });

  it('refuses invalid limits', async () => {
    const client = await bySocket();
    const none = LimitChange.fromPartial({});
    const refusal = (ref: string, change: Partial<LimitChange>): Promise<unknown> =>
      callUnary(client.setLimits.bind(client), { ref, change: { ...none, ...change } });
    await expect(refusal('', { maxUpload: 999n })).rejects.toMatchObject({
      code: 'invalid',
      reason: 'BAD_RATE',
    });
    await expect(refusal('', { maxDownload: 2n ** 63n })).rejects.toMatchObject({ reason: 'BAD_RATE' });
    await expect(refusal('', { priority: Priority.LOW })).rejects.toMatchObject({ reason: 'NO_TRANSFER' });
    await expect(refusal('nobody', {})).rejects.toMatchObject({ reason: 'UNKNOWN_REF' });
    expect(agent.limits.settings).toEqual({ maxUpload: 0, maxDownload: 0 });
  });

  it('lists bans page by page, newest first, and lifts one', async () => {
    const client = await bySocket();
    for (const name of ['mallory', 'eve', 'trudy']) {
      agent.bans.ban({ peerId: peerNamed(name), name, infohash: infoHash('aa') }, `${name} lied`);
    }
    const listBans = client.listBans.bind(client);
    const names: string[] = [];
    let pageToken = '';
    do {
      const page = await callUnary(listBans, { pageSize: 1, pageToken });
      names.push(...page.bans.map(({ peerName: name }) => name));
      pageToken = page.nextPageToken;
    } while (pageToken !== '');
    expect(names.sort()).toEqual(['eve', 'mallory', 'trudy']);
    const { ban } = await callUnary(client.liftBan.bind(client), { peer: 'eve' });
    expect(ban).toMatchObject({ peerId: peerNamed('eve'), peerName: 'eve', message: 'eve lied' });
    expect(ban!.expiresAt!.getTime() - ban!.bannedAt!.getTime()).toBe(3_600_000);
    const { bans } = await callUnary(listBans, { pageSize: 0, pageToken: '' });
    expect(bans.map(({ peerName: name }) => name).sort()).toEqual(['mallory', 'trudy']);
    await expect(callUnary(client.liftBan.bind(client), { peer: 'eve' })).rejects.toMatchObject({
      code: 'not-found',
      reason: 'NOT_BANNED',
    });
    await expect(callUnary(listBans, { pageSize: 0, pageToken: 'x' })).rejects.toMatchObject({
      reason: 'BAD_PAGE_TOKEN',
    });
  });

  it('reports a missing tracker for queries that need it', async () => {
    const client = await bySocket();
    const listing = callUnary(client.listFiles.bind(client), { query: '', pageSize: 0, pageToken: '' });
    await expect(listing).rejects.toMatchObject({ code: 'unavailable', reason: 'NO_TRACKER' });
  });
});

describe('control over TCP that is confined to folders', () => {
  const tcp: Address = { kind: 'tcp', host: '127.0.0.1', port: 0 };
  const outside = { code: 'denied', reason: 'OUTSIDE_ROOT' };

  it('shares what is in its folder, and nothing that a path or a link reaches from there', async () => {
    const root = folder.at('pub');
    const client = await controlled(tcp, undefined, { share: root });
    const mine = await folder.write('pub/mine.bin', bytesOf(1000));
    const secret = await folder.write('secret.bin', bytesOf(1000, 2));
    await symlink(secret, folder.at('pub', 'link.bin'));
    expect((await share(client, mine)).at(-1)?.result?.$case).toBe('shared');
    for (const path of [
      secret,
      `${root}/../secret.bin`,
      folder.at('pub', 'link.bin'),
      '/etc/passwd',
      `${root}-2`,
    ])
      await expect(share(client, path)).rejects.toMatchObject(outside);
    const links = ShareRequest.fromPartial({ path: root, links: LinkPolicy.ANYWHERE });
    const all = async (): Promise<void> => {
      await readStream(client.share(links)).next();
    };
    await expect(all()).rejects.toMatchObject(outside);
  });

  it('downloads into its folder, also one that does not exist yet, and the download folder only', async () => {
    const root = folder.at('out');
    const client = await controlled(tcp, undefined, { output: root });
    const { bytes } = metainfoOf(bytesOf(1000), 16_384, 'some.bin');
    const get = (outputDir: string): Promise<unknown> =>
      callUnary(
        client.download.bind(client),
        DownloadRequest.fromPartial({ source: { $case: 'metainfo', value: bytes }, outputDir }),
      );
    for (const dir of ['/etc', folder.path, `${root}/../other`, `${root}/new/../../x`])
      await expect(get(dir)).rejects.toMatchObject(outside);
    await get(`${root}/new/deep`);
    await callUnary(client.removeTransfer.bind(client), { ref: 'some.bin', deleteData: false, force: false });
    await get('');
  });
});
