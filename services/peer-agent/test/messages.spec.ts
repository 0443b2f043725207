import { appendFile, readFile, rm } from 'node:fs/promises';
import { status } from '@grpc/grpc-js';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { EnjambreError } from '@enjambre/core/error';
import { PeerIdentity } from '@enjambre/common/identity/identity';
import { createLogger } from '@enjambre/common/log/logger';
import { waitFor } from '@enjambre/harness/wait-for';
import { dialer } from '@enjambre/harness/dialer';
import { RelayLink } from '../src/adapters/messaging/relay-link.js';
import { InboxFile } from '../src/adapters/state/inbox-file.js';
import { NamesFile } from '../src/adapters/state/names-file.js';
import { Messages } from '../src/app/messages/messages.js';
import type { InboxArchive } from '../src/app/ports/archives.js';
import { TestFolder } from './support/folder.js';
import { peerNamed } from './support/ids.js';
import { ScriptedRelay, type RelayVisit } from './support/scripted-relay.js';
import { SYSTEM_CLOCK } from '@enjambre/common/async/clock';

const log = createLogger({ name: 'test', level: 'silent' });
const identity = PeerIdentity.generate();

/** The messaging part of an agent. */
interface Parts {
  readonly messages: Messages;
  readonly link: RelayLink;
  readonly file: InboxFile;
}

let folder: TestFolder;
let relay: ScriptedRelay;
let agent: Parts;

beforeEach(async () => {
  folder = await TestFolder.make();
  relay = await new ScriptedRelay().start();
  agent = await start();
});

afterEach(async () => {
  await stop();
  relay.kill();
  await folder.remove();
});

async function start(watch: (archive: InboxArchive) => InboxArchive = (archive) => archive): Promise<Parts> {
  const link = new RelayLink(
    { identity, dialer, log },
    { address: relay.address, name: 'agent', version: 'test' },
  );
  const file = new InboxFile(folder.path, log);
  const names = new NamesFile(folder.path, log);
  const self = { peerId: identity.peerId, name: 'agent' };
  const parts = { clock: SYSTEM_CLOCK, archive: watch(file), names, self, log };
  const messages = new Messages({ ...parts, relay: link });
  await messages.start();
  await link.start();
  return { messages, link, file };
}

async function stop(): Promise<void> {
  await agent.link.stop();
  await agent.messages.stop();
  await agent.file.close();
}

/** Ends session `number`, counted from 0, once the agent has said hello in it. */
async function session(number: number): Promise<RelayVisit> {
  return waitFor(() => (relay.visits[number]?.hello ? relay.visits[number] : undefined), {
    what: `session ${number}`,
    everyMs: 5,
  });
}

const connected = (): Promise<boolean> =>
  waitFor(() => agent.link.problem === '', { what: 'the session', everyMs: 5 });

const acknowledged = (visit: RelayVisit, ...ids: bigint[]): Promise<boolean> =>
  waitFor(() => ids.every((id) => visit.acknowledged.includes(id)), { what: 'acknowledgements', everyMs: 5 });

const texts = (unreadOnly = true): string[] =>
  agent.messages.list({ after: 0, unreadOnly, limit: 1000 }).map(({ message }) => message.text);

describe('the inbox of an agent', () => {
  it('acknowledges stored messages, and still has them after a crash', async () => {
    const visit = await session(0);
    expect(visit.peerId).toBe(identity.peerId);
    visit.deliver(7n, 'a');
    visit.deliver(9n, 'b');
    await acknowledged(visit, 7n, 9n);
    expect((await readFile(folder.at('inbox.jsonl'), 'utf8')).trim().split('\n')).toHaveLength(2);
    await stop();
    agent = await start();
    expect(texts()).toEqual(['text of a', 'text of b']);
    expect((await session(1)).hello).toMatchObject({ afterDeliveryId: 9n });
  });

  it('shows a message once, however often it is delivered', async () => {
    const visit = await session(0);
    for (const delivery of [1n, 1n, 2n]) visit.deliver(delivery, 'a');
    await acknowledged(visit, 1n, 2n);
    expect(texts()).toEqual(['text of a']);
  });

  it('remembers which messages were read', async () => {
    const visit = await session(0);
    for (const [index, id] of ['a', 'b', 'c'].entries()) visit.deliver(BigInt(index + 1), id);
    await acknowledged(visit, 3n);
    await agent.messages.markRead([1, 3]);
    await stop();
    agent = await start();
    expect(texts()).toEqual(['text of b']);
    expect(texts(false)).toHaveLength(3);
  });

  it('ignores a line that a crash cut short, and sets a foreign file aside', async () => {
    const visit = await session(0);
    visit.deliver(1n, 'a');
    await acknowledged(visit, 1n);
    await stop();
    await appendFile(folder.at('inbox.jsonl'), '{"type":"received","numb');
    agent = await start();
    expect(texts()).toEqual(['text of a']);
    (await session(1)).deliver(2n, 'b');
    await waitFor(() => texts().length === 2, { what: 'the second message' });
    await stop();
    agent = await start();
    expect(texts()).toEqual(['text of a', 'text of b']);
    await stop();
    await appendFile(folder.at('inbox.jsonl'), '{"type":"weird"}\n');
    agent = await start();
    expect(texts()).toEqual([]);
    expect((await folder.tree()).filter((name) => name.startsWith('inbox.jsonl.bad-'))).toHaveLength(1);
  });

  it('does not acknowledge what cannot be stored, and stores it later', async () => {
    await session(0);
    await stop();
    let failing = true;
    const flaky = (archive: InboxArchive): InboxArchive => ({
      load: () => archive.load(),
      append: (entries) => (failing ? Promise.reject(new Error('ENOSPC')) : archive.append(entries)),
      replace: (entries) => (failing ? Promise.reject(new Error('ENOSPC')) : archive.replace(entries)),
    });
    agent = await start(flaky);
    const first = await session(1);
    first.deliver(1n, 'a');
    const second = await session(2);
    expect(first.acknowledged).toEqual([]);
    failing = false;
    second.deliver(1n, 'a');
    await acknowledged(second, 1n);
    await stop();
    agent = await start();
    expect(texts()).toEqual(['text of a']);
  });

  it('reports that there is no messaging service', () => {
    const names = new NamesFile(folder.path, log);
    const self = { peerId: identity.peerId, name: 'agent' };
    const parts = { clock: SYSTEM_CLOCK, archive: agent.file, names, self, log };
    const messages = new Messages({ ...parts, relay: undefined });
    expect(() => messages.rooms({ size: 0, token: '' })).toThrow(
      expect.objectContaining({
        reason: 'NO_MESSAGING',
        metadata: { remedy: 'set-messaging' },
      }),
    );
  });
});

describe('the names of peers', () => {
  const alice = peerNamed('alice');
  const mallory = peerNamed('mallory');
  const shown = `alice (${mallory.slice(0, 8)})`;
  const senders = (): string[] =>
    agent.messages.list({ after: 0, unreadOnly: false, limit: 100 }).map(({ message }) => message.senderName);
  const to = (peer: string) => ({ id: 'x', target: { kind: 'peer' as const, peer }, text: 'x' });
  const sentTo = (): unknown[] => relay.sent.map(({ target }) => target?.target?.value);

  it('belong to the peer met first, also after a restart, whatever the messaging service says', async () => {
    (await session(0)).deliver(1n, 'a');
    await waitFor(() => senders().length === 1, { what: 'the first message' });
    await stop();
    agent = await start();
    const visit = await session(1);
    visit.deliver(2n, 'b', { senderId: mallory, senderName: 'alice' });
    visit.deliver(3n, 'c', { senderName: `alice (${alice.slice(0, 8)})` });
    await waitFor(() => senders().length === 3, { what: 'the others' });
    expect(senders()).toEqual(['alice', shown, 'alice']);
    await agent.messages.send(to('alice'));
    await agent.messages.send(to(shown));
    expect(sentTo()).toEqual([alice, shown]);
  });

  it('are learned from an inbox of an earlier version, which has no names', async () => {
    (await session(0)).deliver(1n, 'a');
    await waitFor(() => senders().length === 1, { what: 'the message' });
    await stop();
    await rm(folder.at('names.json'));
    agent = await start();
    await connected();
    await agent.messages.send(to('alice'));
    expect(sentTo()).toEqual([alice]);
  });

  it('are learned from the first message to a peer; one that is gone is not replaced silently', async () => {
    await connected();
    relay.receiver = { receiverId: alice, receiverName: 'alice' };
    await agent.messages.send(to('alice'));
    relay.refusal = { code: status.NOT_FOUND, details: 'no peer', reason: 'UNKNOWN_PEER' };
    await expect(agent.messages.send(to('alice'))).rejects.toMatchObject({
      code: 'not-found',
      reason: 'UNKNOWN_PEER',
      message: expect.stringMatching(
        /knows as "alice" .* is someone else: .* with digits/,
      ) as unknown as string,
    });
    relay.refusal = undefined;
    // The person says which one, and the service knows no other.
    relay.receiver = { receiverId: mallory, receiverName: 'alice' };
    await agent.messages.send(to(shown));
    await agent.messages.send(to('alice'));
    expect(sentTo()).toEqual(['alice', shown, mallory]);
  });

  it('that cannot be read are set aside, and the agent starts', async () => {
    await stop();
    await appendFile(folder.at('names.json'), '{"version":1,"names":{"alice":"x"}}');
    agent = await start();
    expect((await folder.tree()).filter((name) => name.startsWith('names.json.bad-'))).toHaveLength(1);
  });
});

describe('the session with the messaging service', () => {
  const message = { id: 'm1', target: { kind: 'peer' as const, peer: 'bob' }, text: 'hello' };

  it('reopens automatically, with its cursor and its rooms', async () => {
    await connected();
    await agent.messages.joinRoom('ops');
    (await session(0)).deliver(4n, 'a');
    await waitFor(() => texts().length === 1, { what: 'the message' });
    relay.kill();
    await waitFor(() => agent.link.problem !== '', { what: 'the loss to be noticed' });
    await relay.start();
    expect((await session(1)).hello).toMatchObject({ afterDeliveryId: 4n });
    await waitFor(() => relay.joined.length === 2, { what: 'the room to be joined again' });
    expect(relay.joined).toEqual(['ops', 'ops']);
  });

  it('leaves a room unknown to the service only if it had joined it', async () => {
    await connected();
    await expect(agent.messages.leaveRoom('ops')).rejects.toMatchObject({
      code: 'not-found',
      reason: 'NOT_A_MEMBER',
    });
    await agent.messages.joinRoom('ops');
    await agent.messages.leaveRoom('ops');
    await stop();
    agent = await start();
    await connected();
    await expect(agent.messages.leaveRoom('ops')).rejects.toMatchObject({ reason: 'NOT_A_MEMBER' });
    expect(relay.joined).toEqual(['ops']);
  });

  it('sends again with the same id through sessions that come and go', async () => {
    await connected();
    relay.kill();
    const sending = agent.messages.send(message);
    await relay.start();
    expect(await sending).toEqual({
      sentAtMs: 2000,
      duplicate: false,
      receivers: 1,
      skipped: 0,
      namesakes: 0,
      receiver: undefined,
    });
    expect(relay.sent).toMatchObject([{ id: 'm1', text: 'hello', target: { target: { value: 'bob' } } }]);
  });

  it('passes on a refusal of the service, at once', async () => {
    await connected();
    relay.refusal = { code: status.NOT_FOUND, details: 'nobody is called bob' };
    await expect(agent.messages.send(message)).rejects.toMatchObject({
      code: 'not-found',
      message: 'nobody is called bob',
    });
  });

  it('waits as long as a busy service asks, and then sends', async () => {
    await connected();
    relay.refusal = new EnjambreError('exhausted', 'TOO_FAST', 'send slower', { retryAfterMs: 300 });
    const beganMs = performance.now();
    const sending = agent.messages.send(message);
    await waitFor(() => relay.sends === 2, { what: 'a second attempt', seen: () => relay.sends, everyMs: 5 });
    expect(performance.now() - beganMs).toBeGreaterThan(235);
    relay.refusal = undefined;
    expect(await sending).toMatchObject({ receivers: 1 });
    expect(relay.sends).toBe(3);
  });

  it('says at once why a message is refused when a person would have to wait too long', async () => {
    await connected();
    const why = 'the queue of the receiver is full: send again in 5s, or when it has read its messages';
    relay.refusal = new EnjambreError('exhausted', 'RECEIVER_FULL', why, { retryAfterMs: 5000 });
    await expect(agent.messages.send(message)).rejects.toMatchObject({
      code: 'exhausted',
      reason: 'RECEIVER_FULL',
      message: why,
    });
    expect(relay.sends).toBe(1);
  });

  it('passes on why the service refuses a session', async () => {
    await connected();
    const message = 'NATS cannot store or read messages: try again';
    relay.sessionRefusal = new EnjambreError('unavailable', 'STORE_AWAY', message);
    relay.kill();
    await relay.start();
    await waitFor(() => agent.link.problem === message, {
      what: 'the refusal',
      seen: () => agent.link.problem,
    });
    await expect(agent.messages.rooms({ size: 0, token: '' })).rejects.toMatchObject({
      code: 'unavailable',
      reason: 'STORE_AWAY',
      message,
    });
  });

  it('reports which service cannot be reached while it stays away', async () => {
    relay.kill();
    await expect(agent.messages.send(message)).rejects.toMatchObject({
      reason: 'MESSAGING_UNREACHABLE',
      message: expect.stringMatching(/: start it, or choose another$/) as unknown as string,
      metadata: { setting: 'messaging' },
    });
  });
});
