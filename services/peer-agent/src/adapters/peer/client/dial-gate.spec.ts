import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Bitfield } from '@enjambre/core/bitfield';
import type { PeerId } from '@enjambre/core/ids';
import { Candidates } from '../../../domain/links/candidates.js';
import type { CandidateEvent } from '../../../domain/links/messages.js';
import { seededRandom } from '../../../domain/random.js';
import { peerNamed } from '../../../../test/support/ids.js';
import { DialGate, type DialTarget } from './dial-gate.js';

let nowMs = 0;
let gate: DialGate;
let dialed: string[] = [];

beforeEach(() => {
  jest.useFakeTimers();
  nowMs = 0;
  dialed = [];
  gate = new DialGate(seededRandom(1), () => nowMs);
});

afterEach(() => void jest.useRealTimers());

function target(host: string, port = 7072): DialTarget {
  return { peerId: peerNamed(`${host}:${port}`), endpoint: `${host}:${port}` };
}

function enter(to: DialTarget): () => void {
  return gate.enter(to, () => dialed.push(to.endpoint));
}

function pass(ms: number): void {
  for (let at = 0; at < ms; at += 50) {
    nowMs += 50;
    jest.advanceTimersByTime(50);
  }
}

describe('addresses that strangers name', () => {
  it('are dialed 20 at once, and then five a second', () => {
    for (let at = 0; at < 100; at++) enter(target(`10.0.0.${at}`));
    expect(dialed).toHaveLength(20);
    pass(2000);
    expect(dialed).toHaveLength(30);
    pass(20_000);
    expect(new Set(dialed).size).toBe(100);
  });

  it('do not count if their peers answer there: hundreds are reached at once', () => {
    const reach = (to: DialTarget): void => {
      gate.enter(to, () => {
        dialed.push(to.endpoint);
        setTimeout(() => gate.reached(to), 1);
      });
    };
    for (let at = 0; at < 300; at++) reach(target(`10.0.${at}.1`));
    pass(1000);
    expect(dialed).toHaveLength(300);
  });

  it('are dialed at once again where the same peer was reached, and only there', () => {
    const known = target('10.0.0.1');
    enter(known);
    gate.reached(known);
    for (let at = 0; at < 30; at++) enter(target('10.0.0.2', at));
    dialed = [];
    enter(known);
    enter({ peerId: peerNamed('another'), endpoint: known.endpoint });
    enter(target('10.0.0.1', 80));
    expect(dialed).toEqual([known.endpoint]);
  });

  it('take turns by party: 600 ports of one do not keep the address of another waiting', () => {
    for (let port = 1; port <= 600; port++) enter(target('10.0.0.1', port));
    enter(target('10.0.0.2'));
    pass(1500);
    expect(dialed).toContain('10.0.0.2:7072');
  });

  it('are not dialed once nobody waits for them', () => {
    const leave = Array.from({ length: 60 }, (_, at) => enter(target(`10.0.0.${at}`)));
    for (const leaveOne of leave) leaveOne();
    pass(10_000);
    expect(dialed).toHaveLength(20);
    enter(target('10.0.1.1'));
    expect(dialed).toHaveLength(21);
  });
});

it.each([
  ['at the rate of the gate', false, 60_000],
  ['within seconds if it was reached before', true, 5000],
])('the one peer that answers is found among 256 networks that do not, %s', (_, isKnown, mostMs) => {
  const candidates = new Candidates<DialTarget>({ isBanned: () => false, random: seededRandom(2) });
  const leave = new Map<PeerId, () => void>();
  const honest = peerNamed('honest');
  let joined = false;
  const feed = (event: CandidateEvent<DialTarget>): void => {
    for (const effect of candidates.handle(event, nowMs)) {
      if (effect.type === 'close') leave.get(effect.peer)?.();
      if (effect.type !== 'open') continue;
      const { address } = effect;
      const source = address.peerId;
      const dial = (): void => {
        feed({ type: 'dialed', source });
        if (source === honest) setTimeout(() => feed({ type: 'source-joined', source, has }), 100);
      };
      leave.set(source, gate.enter(address, dial));
    }
  };
  const has = Bitfield.empty(1);
  const dead = Array.from({ length: 256 }, (_, at) => ({
    peerId: peerNamed(`dead ${at}`),
    endpoint: `[2001:db8:0:${at.toString(16)}::1]:7072`,
  }));
  const answering = { peerId: honest, endpoint: '10.0.0.1:7072' };
  if (isKnown) gate.reached(answering);
  const upserted = [...dead, answering];
  feed({ type: 'peers', snapshot: true, upserted, removed: [] });
  for (; !joined && nowMs < 120_000; joined = candidates.counts.ready > 0) {
    pass(100);
    feed({ type: 'tick' });
  }
  expect(nowMs).toBeLessThan(mostMs);
});
