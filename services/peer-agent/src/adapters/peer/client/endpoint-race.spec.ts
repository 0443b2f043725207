import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { ATTEMPT_DELAY_MS } from '@enjambre/common/async/first-of';
import { EnjambreError } from '@enjambre/core/error';
import { peerIdToBytes } from '@enjambre/core/ids';
import type { SyncResponse } from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import { peerNamed } from '../../../../test/support/ids.js';
import { EndpointRace } from './endpoint-race.js';
import type { StreamListener } from '@enjambre/rpc/message-stream';

const bob = peerNamed('bob');
const silence = (endpoint: string): EnjambreError =>
  new EnjambreError('unavailable', 'UNAVAILABLE', `no answer from ${endpoint}`);

/** A race whose streams are driven by the test. */
class Scene {
  readonly opened: string[] = [];
  readonly cancelled: string[] = [];
  readonly lost: string[] = [];
  readonly reached: string[] = [];
  readonly written: string[] = [];
  readonly heard: SyncResponse[] = [];
  readonly ends: (EnjambreError | undefined)[] = [];
  winner: string | undefined;
  readonly #listeners = new Map<string, StreamListener<SyncResponse>>();
  readonly race: EndpointRace;

  constructor(...endpoints: string[]) {
    const parts = {
      peerId: bob,
      endpoints,
      open: (endpoint: string, listener: StreamListener<SyncResponse>) => {
        this.opened.push(endpoint);
        this.#listeners.set(endpoint, listener);
        return {
          write: () => void this.written.push(endpoint),
          end: () => undefined,
          cancel: () => void this.cancelled.push(endpoint),
        };
      },
      enter: (_: string, dial: () => void) => {
        dial();
        return () => undefined;
      },
      reached: (endpoint: string) => void this.reached.push(endpoint),
      lost: (endpoint: string) => void this.lost.push(endpoint),
      won: (endpoint: string) => void (this.winner = endpoint),
    };
    this.race = new EndpointRace(parts, {
      message: (message) => this.heard.push(message),
      ended: (error) => this.ends.push(error),
    });
  }

  challenge(endpoint: string, peer = bob): void {
    const value = { nonce: Buffer.alloc(32), peerId: peerIdToBytes(peer) };
    this.say(endpoint, { $case: 'challenge', value });
  }

  say(endpoint: string, message: SyncResponse['message']): void {
    this.#listeners.get(endpoint)?.message({ message });
  }

  fail(endpoint: string): void {
    this.#listeners.get(endpoint)?.ended(silence(endpoint));
  }
}

beforeEach(() => void jest.useFakeTimers());
afterEach(() => void jest.useRealTimers());

describe('a peer with several addresses', () => {
  it('is dialed at the next address when the first is silent for a while, and used where it answers first', () => {
    const scene = new Scene('a', 'b', 'c');
    expect(scene.opened).toEqual(['a']);
    jest.advanceTimersByTime(ATTEMPT_DELAY_MS);
    expect(scene.opened).toEqual(['a', 'b']);
    scene.challenge('b');
    expect(scene.winner).toBe('b');
    expect([scene.cancelled, scene.lost]).toEqual([['a'], ['a']]);
    jest.advanceTimersByTime(10 * ATTEMPT_DELAY_MS);
    scene.challenge('a');
    scene.race.write({ message: undefined });
    expect([scene.opened, scene.written, scene.heard.length]).toEqual([['a', 'b'], ['b'], 1]);
    scene.fail('b');
    expect(scene.ends).toMatchObject([{ message: 'no answer from b' }]);
  });

  it('is dialed at the next address at once when one fails', () => {
    const scene = new Scene('a', 'b');
    scene.fail('a');
    expect([scene.opened, scene.lost]).toEqual([['a', 'b'], ['a']]);
    scene.challenge('b');
    expect([scene.winner, scene.ends]).toEqual(['b', []]);
  });

  it('is not confused with another peer that answers at one of them, whatever that sends', () => {
    const scene = new Scene('a', 'b', 'c');
    scene.challenge('a', peerNamed('mallory'));
    scene.say('b', { $case: 'goodbye', value: { reason: 'X', message: 'x' } });
    expect([scene.heard, scene.opened, scene.cancelled]).toEqual([[], ['a', 'b', 'c'], ['a', 'b']]);
    scene.challenge('c');
    expect([scene.winner, scene.heard.length]).toEqual(['c', 1]);
  });

  it('that answers at none is not blamed, and all errors are reported', () => {
    const scene = new Scene('a', 'b');
    scene.challenge('a', peerNamed('mallory'));
    scene.fail('b');
    expect(scene.ends).toMatchObject([
      {
        code: 'unavailable',
        reason: 'NOT_REACHED',
        message: 'another peer answers at a; no answer from b',
      },
    ]);
    expect(scene.lost).toEqual(['a', 'b']);
  });

  it('is abandoned everywhere when the stream is cancelled', () => {
    const scene = new Scene('a', 'b', 'c');
    jest.advanceTimersByTime(ATTEMPT_DELAY_MS);
    scene.race.end();
    jest.advanceTimersByTime(10 * ATTEMPT_DELAY_MS);
    expect([scene.opened, scene.cancelled, scene.lost]).toEqual([
      ['a', 'b'],
      ['a', 'b'],
      ['a', 'b'],
    ]);
    scene.challenge('a');
    expect([scene.heard, scene.ends, scene.winner]).toEqual([[], [], undefined]);
  });
});

describe('a peer with one address', () => {
  it('is checked by the opener of the stream', () => {
    const scene = new Scene('a');
    scene.challenge('a', peerNamed('mallory'));
    expect([scene.heard.length, scene.winner]).toEqual([1, 'a']);
    scene.fail('a');
    expect(scene.ends).toMatchObject([{ message: 'no answer from a' }]);
  });

  it('ends as its stream does', () => {
    const scene = new Scene('a');
    scene.fail('a');
    expect(scene.ends).toMatchObject([{ reason: 'UNAVAILABLE', message: 'no answer from a' }]);
  });
});
