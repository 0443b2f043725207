import { describe, expect, it } from '@jest/globals';
import { peerNamed } from '../../test/support/ids.js';
import { BanList } from './ban-list.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const mallory = peerNamed('mallory');
const alice = peerNamed('alice');

describe('BanList', () => {
  it('gives the reason of a ban for an hour, and then deals with the peer again', () => {
    const bans = new BanList();
    bans.ban(mallory, 'sent wrong bytes', 1000);
    expect(bans.reasonFor(mallory, 1000)).toBe('sent wrong bytes');
    expect(bans.reasonFor(mallory, 1000 + HOUR - 1)).toBe('sent wrong bytes');
    expect(bans.reasonFor(mallory, 1000 + HOUR)).toBeUndefined();
    expect(bans.reasonFor(alice, 1000)).toBeUndefined();
  });

  it('begins the hour anew with a new ban', () => {
    const bans = new BanList();
    bans.ban(mallory, 'first', 0);
    bans.ban(mallory, 'second', 30 * MINUTE);
    expect(bans.reasonFor(mallory, HOUR + 1)).toBe('second');
  });

  it('bans with the third strike, and says so', () => {
    const bans = new BanList();
    expect([1, 2, 3].map((ms) => bans.strike(mallory, `breach ${ms}`, ms))).toEqual([false, false, true]);
    expect(bans.reasonFor(mallory, 4)).toBe('breach 3');
  });

  it('does not ban for one or two strikes, nor for those of another', () => {
    const bans = new BanList();
    bans.strike(mallory, 'x', 0);
    bans.strike(mallory, 'x', 1);
    bans.strike(alice, 'x', 2);
    expect(bans.reasonFor(mallory, 3)).toBeUndefined();
    expect(bans.reasonFor(alice, 3)).toBeUndefined();
  });

  it('forgives strikes after ten minutes of good behaviour', () => {
    const bans = new BanList();
    bans.strike(mallory, 'x', 0);
    bans.strike(mallory, 'x', MINUTE);
    expect(bans.strike(mallory, 'x', 11 * MINUTE)).toBe(false);
    expect(bans.strike(mallory, 'x', 20 * MINUTE)).toBe(false);
    expect(bans.strike(mallory, 'x', 29 * MINUTE)).toBe(true);
  });

  it('counts strikes from the beginning after a ban', () => {
    const bans = new BanList();
    for (let ms = 0; ms < 3; ms++) bans.strike(mallory, 'x', ms);
    expect(bans.strike(mallory, 'x', 10)).toBe(false);
  });

  it('remembers ten thousand bans, and forgets the oldest first', () => {
    const bans = new BanList();
    for (let index = 0; index <= 10_000; index++) bans.ban(peerNamed(`peer ${index}`), 'x', 0);
    expect(bans.reasonFor(peerNamed('peer 0'), 1)).toBeUndefined();
    expect(bans.reasonFor(peerNamed('peer 1'), 1)).toBe('x');
    expect(bans.reasonFor(peerNamed('peer 10000'), 1)).toBe('x');
  });

  it('keeps a ban that was renewed when it makes room', () => {
    const bans = new BanList();
    bans.ban(mallory, 'x', 0);
    for (let index = 0; index < 9_999; index++) bans.ban(peerNamed(`peer ${index}`), 'x', 0);
    bans.ban(mallory, 'again', 0);
    bans.ban(alice, 'x', 0);
    expect(bans.reasonFor(mallory, 1)).toBe('again');
  });

  it('does not let strikes of ten thousand new identities pile up', () => {
    const bans = new BanList();
    bans.strike(mallory, 'x', 0);
    bans.strike(mallory, 'x', 0);
    for (let index = 0; index < 10_000; index++) bans.strike(peerNamed(`peer ${index}`), 'x', 0);
    expect(bans.strike(mallory, 'x', 1)).toBe(false);
  });
});
