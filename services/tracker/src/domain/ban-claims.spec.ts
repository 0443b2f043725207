import { describe, expect, test } from '@jest/globals';
import { MODEL, sampleHash, samplePeer, sampleReport } from '../../test/samples.js';
import type { BanClaim } from './ban-claims.js';
import type { Session } from './swarm.js';
import { SwarmRegistry } from './swarm-registry.js';

const claim = (number: number, infohash?: BanClaim['infohash']): BanClaim => ({
  peerId: samplePeer(number).id,
  reason: 'sent wrong bytes',
  infohash,
});

/** @param partyOf the party of each session. @default each its own */
function registryWith(
  sessions: number,
  partyOf = (index: number): string => `10.0.0.${index}`,
): { registry: SwarmRegistry; sessions: Session[] } {
  const registry = new SwarmRegistry({ random: () => 0, startedAt: 0 });
  const opened = Array.from(
    { length: sessions },
    (_, index) => registry.connect(samplePeer(index + 1), 0, { party: partyOf(index) }).session,
  );
  return { registry, sessions: opened };
}

/** Number of published claims among `count` claims at `now`. */
function admitted(registry: SwarmRegistry, session: Session, count: number, now: number): number {
  let passed = 0;
  for (let index = 0; index < count; index++) {
    try {
      passed += registry.ban(session, claim(1000), now).length;
    } catch (error) {
      expect(error).toMatchObject({ code: 'exhausted', reason: 'TOO_FAST' });
    }
  }
  return passed;
}

describe('a ban reported by an agent', () => {
  test('is published with the names and the file known to the tracker, and has no other effect', () => {
    const { registry, sessions } = registryWith(2);
    const [alice, bob] = sessions as [Session, Session];
    registry.announce(bob, sampleReport(sampleHash(1), { file: MODEL, leftBytes: 0 }), 0);
    const before = registry.directory.stats();
    expect(registry.ban(alice, claim(2, sampleHash(1)), 0)).toEqual([
      {
        type: 'event',
        party: '10.0.0.0',
        event: {
          type: 'peer.banned',
          banned: { id: bob.peer.id, name: 'peer-2' },
          peer: alice.peer,
          reason: 'sent wrong bytes',
          file: { infohash: sampleHash(1), name: MODEL.name, size: MODEL.size },
        },
      },
    ]);
    expect(registry.directory.stats()).toEqual(before);
    expect(bob.open && bob.memberships.size).toBe(1);
  });

  test('may name an unknown peer or file, or no file', () => {
    const { registry, sessions } = registryWith(1);
    const eventOf = (told: BanClaim) => registry.ban(sessions[0]!, told, 0)[0];
    expect(eventOf(claim(99, sampleHash(7)))).toMatchObject({
      event: { banned: { name: '' }, file: { infohash: sampleHash(7), name: '', size: 0 } },
    });
    expect(eventOf(claim(99))).toMatchObject({ event: { file: undefined } });
  });

  test('is refused if it names the agent itself', () => {
    const { registry, sessions } = registryWith(1);
    expect(() => registry.ban(sessions[0]!, claim(1), 0)).toThrow('cannot ban itself');
  });

  test('is published ten times at once for a session, and then every ten seconds', () => {
    const { registry, sessions } = registryWith(2);
    expect(admitted(registry, sessions[0]!, 50, 0)).toBe(10);
    expect(admitted(registry, sessions[0]!, 5, 9_999)).toBe(0);
    expect(admitted(registry, sessions[0]!, 5, 10_000)).toBe(1);
    expect(admitted(registry, sessions[1]!, 5, 10_000)).toBe(5);
  });

  test('is limited for the sessions of one address: new identities do not raise the limit', () => {
    const { registry, sessions } = registryWith(30, () => '198.51.100.7');
    const passed = sessions.reduce((sum, session) => sum + admitted(registry, session, 10, 0), 0);
    expect(passed).toBe(20);
  });

  test('is limited over all sessions: new addresses do not raise the limit', () => {
    const { registry, sessions } = registryWith(30);
    const passed = sessions.reduce((sum, session) => sum + admitted(registry, session, 10, 0), 0);
    expect(passed).toBe(100);
  });
});
