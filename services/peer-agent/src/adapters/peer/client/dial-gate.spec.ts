import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
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
