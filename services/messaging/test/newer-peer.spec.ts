import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { newer, UNKNOWN_FIELDS } from '@enjambre/harness/newer';
import { VERSION } from '@enjambre/common/version';
import { MessagingServiceService } from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import { Harness, send } from './support/harness.js';

let harness: Harness;

beforeEach(async () => {
  harness = await Harness.start();
});

afterEach(() => harness.stop());

describe('a peer of a newer version', () => {
  test('is greeted despite unknown fields and messages, before its hello and in it', async () => {
    const peer = harness.stranger({ service: newer(MessagingServiceService) });
    peer.sayBytes(UNKNOWN_FIELDS);
    peer.say(undefined);
    await peer.greet({ name: 'newer' });
    expect(await peer.when(() => peer.serviceVersion)).toBe(VERSION);
    expect(peer.ended).toBeUndefined();
  });

  test('receives and acknowledges like any other, with unknown messages in between', async () => {
    const alice = await harness.peer('alice');
    const peer = harness.stranger({ service: newer(MessagingServiceService), acknowledges: false });
    await peer.greet({ name: 'newer' });
    await send(alice, peer, 'one');
    peer.sayBytes(UNKNOWN_FIELDS);
    const [first] = await peer.received(1);
    peer.acknowledge(first!.deliveryId);
    await send(alice, peer, 'two');
    await peer.received(2);
    expect(peer.texts).toEqual(['one', 'two']);
    expect(peer.ended).toBeUndefined();
  });
});
