import { peerIdFromBytes, type PeerId } from '@enjambre/core/ids';
import type { Outgoing } from '../../src/app/ports.js';
import type { Message, PeerRef } from '../../src/domain/message.js';

export function samplePeer(number: number): PeerRef {
  const bytes = Buffer.alloc(32);
  bytes.writeUInt32BE(number);
  return { id: peerIdFromBytes(bytes), name: `peer-${number}` };
}

let made = 0;

/** A message from one peer to another. */
export function sampleMessage(from: PeerRef, to: PeerRef, message: Partial<Message> = {}): Message {
  made += 1;
  return {
    id: `id-${made}`,
    sender: from,
    target: { kind: 'peer', peer: to },
    text: `text ${made}`,
    sentAt: 1_700_000_000_000 + made,
    ...message,
  };
}

/** The arguments that put a message for these receivers. */
export function outgoing(message: Message, receivers?: readonly PeerId[], party = '10.0.0.1'): Outgoing {
  const { target } = message;
  return {
    message,
    receivers: receivers ?? (target.kind === 'peer' ? [target.peer.id] : []),
    skipped: 0,
    party,
  };
}
