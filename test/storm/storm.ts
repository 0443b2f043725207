import { waitFor } from '@enjambre/harness/wait-for';
import { NatsServer } from '@enjambre/harness/nats-server';
import { ProcessSwarm } from '@enjambre/harness/swarm';
import type { SendRequest } from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import { MessagingProcess } from './messaging-process.js';
import { StormPeer } from './storm-peer.js';

export interface StormSize {
  /** Total number. */
  readonly messages: number;
  readonly senders: number;
  readonly receivers: number;
  readonly messagingKills: number;
  readonly natsKills: number;
}

export interface StormFigures extends StormSize {
  readonly seconds: number;
  readonly messagesPerSecond: number;
  /** Received messages; those to the room count for each member. */
  readonly deliveries: number;
  readonly expectedDeliveries: number;
  /** Messages that a receiver got more than once, not at all, or out of order. */
  readonly doubled: number;
  readonly missing: number;
  readonly outOfOrder: number;
  /** Calls that failed and were retried. */
  readonly retries: number;
  /** Of these, messages that had been stored nevertheless. */
  readonly duplicatesAnswered: number;
  readonly interruptedStreams: number;
}

interface Sent {
  readonly sender: StormPeer;
  readonly number: number;
  readonly receivers: readonly StormPeer[];
}

const ROOM = 'storm';
/** Every n-th message goes to the room, so that a crash may hit between its copies. */
const ROOM_EVERY = 20;
const ROOM_RECEIVERS = 5;
const END_TIMEOUT_MS = 120_000;

/**
 * Sends messages through a messaging service on JetStream while the service and NATS
 * are killed with SIGKILL, evenly spread over the messages, and counts the results.
 */
export async function storm(size: StormSize): Promise<StormFigures> {
  const swarm = await ProcessSwarm.create();
  const peers: StormPeer[] = [];
  try {
    const nats = swarm.add(await NatsServer.start());
    const messaging = new MessagingProcess(swarm, nats.url);
    await messaging.start();
    const peer = (name: string): StormPeer => {
      const made = new StormPeer(name, messaging.address);
      peers.push(made);
      return made;
    };
    const receivers = [...Array(size.receivers).keys()].map((n) => peer(`receiver-${n}`));
    const senders = [...Array(size.senders).keys()].map((n) => peer(`sender-${n}`));
    await waitFor(() => peers.every(({ isConnected }) => isConnected), { what: 'all peers to be connected' });
    const members = [...receivers.slice(0, ROOM_RECEIVERS), ...senders];
    for (const member of members) await member.join(ROOM);
    return await rage({ size, nats, messaging, senders, receivers, members, peers });
  } finally {
    for (const peer of peers) peer.stop();
    await swarm.stop();
  }
}

interface Scene {
  readonly size: StormSize;
  readonly nats: NatsServer;
  readonly messaging: MessagingProcess;
  readonly senders: readonly StormPeer[];
  readonly receivers: readonly StormPeer[];
  readonly members: readonly StormPeer[];
  readonly peers: readonly StormPeer[];
}

async function rage(scene: Scene): Promise<StormFigures> {
  const { size, senders, peers } = scene;
  const sent: Sent[] = [];
  let duplicatesAnswered = 0;
  const beganAt = performance.now();
  const each = Math.ceil(size.messages / senders.length);
  const sendAll = async (sender: StormPeer, index: number): Promise<void> => {
    for (let number = 0; number < each && index * each + number < size.messages; number++) {
      const { request, receivers } = messageOf(scene, { sender, index, number });
      const { duplicate } = await sender.send(request);
      if (duplicate) duplicatesAnswered += 1;
      sent.push({ sender, number, receivers });
    }
  };
  await Promise.all([...senders.map(sendAll), killNowAndThen(scene, () => sent.length)]);
  const expected = sent.reduce((sum, { receivers }) => sum + receivers.length, 0);
  const deliveries = (): number => peers.reduce((sum, { kept }) => sum + kept.length, 0);
  await waitFor(() => deliveries() >= expected, {
    what: 'the last deliveries',
    timeoutMs: END_TIMEOUT_MS,
  }).catch(() => undefined);
  const seconds = (performance.now() - beganAt) / 1000;
  return {
    ...size,
    seconds,
    messagesPerSecond: sent.length / seconds,
    deliveries: deliveries(),
    expectedDeliveries: expected,
    ...judge(peers, sent),
    retries: peers.reduce((sum, { retries }) => sum + retries, 0),
    duplicatesAnswered,
    interruptedStreams: peers.reduce((sum, { interruptions }) => sum + interruptions, 0),
  };
}

function messageOf(
  { receivers, members }: Scene,
  { sender, index, number }: { sender: StormPeer; index: number; number: number },
): { request: SendRequest; receivers: readonly StormPeer[] } {
  const id = `${index}-${number}`;
  if (number % ROOM_EVERY === ROOM_EVERY - 1) {
    const request = { id, text: String(number), target: { target: { $case: 'room', value: ROOM } } } as const;
    return { request, receivers: members.filter((member) => member !== sender) };
  }
  const receiver = receivers[(index * 7 + number) % receivers.length] as StormPeer;
  const target = { target: { $case: 'peer', value: receiver.identity.peerId } } as const;
  return { request: { id, text: String(number), target }, receivers: [receiver] };
}

/** Kills both kinds of servers, evenly mixed, each time after an equal share of the messages was acknowledged. */
async function killNowAndThen({ size, nats, messaging }: Scene, answered: () => number): Promise<void> {
  const kills = size.messagingKills + size.natsKills;
  for (let kill = 1; kill <= kills; kill++) {
    const due = Math.floor((size.messages * kill) / (kills + 1));
    await waitFor(() => answered() >= due, { what: `${due} answers`, timeoutMs: END_TIMEOUT_MS, everyMs: 1 });
    const isNats =
      Math.floor((kill * size.natsKills) / kills) > Math.floor(((kill - 1) * size.natsKills) / kills);
    if (isNats) {
      await nats.kill();
      await nats.restart();
    } else {
      await messaging.kill();
      await messaging.start();
    }
  }
}

function judge(
  peers: readonly StormPeer[],
  sent: readonly Sent[],
): Pick<StormFigures, 'doubled' | 'missing' | 'outOfOrder'> {
  let [doubled, missing, outOfOrder] = [0, 0, 0];
  const expected = new Map<StormPeer, string[]>(peers.map((peer) => [peer, []]));
  for (const { sender, number, receivers } of sent) {
    for (const receiver of receivers) expected.get(receiver)?.push(`${sender.identity.peerId}:${number}`);
  }
  for (const peer of peers) {
    const seen = new Set<string>();
    const last = new Map<string, number>();
    for (const { message } of peer.kept) {
      if (!message) continue;
      const number = Number(message.text);
      const key = `${message.senderId}:${number}`;
      if (seen.has(key)) doubled += 1;
      else if (number < (last.get(message.senderId) ?? -1)) outOfOrder += 1;
      seen.add(key);
      last.set(message.senderId, number);
    }
    missing += (expected.get(peer) ?? []).filter((key) => !seen.has(key)).length;
  }
  return { doubled, missing, outOfOrder };
}
