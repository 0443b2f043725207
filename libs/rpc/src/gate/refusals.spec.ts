import { describe, expect, it } from '@jest/globals';
import type { Logger } from '@enjambre/common/log/logger';
import { VirtualClock } from '@enjambre/harness/virtual-clock';
import { Refusals } from './refusals.js';

const error = { reason: 'TOO_MANY_CALLS', message: 'your address makes too many calls' };

function scene() {
  const lines: string[] = [];
  const log = { warn: (_: object, text: string) => lines.push(text) } as unknown as Logger;
  const clock = new VirtualClock();
  return { lines, clock, refusals: new Refusals({ log, clock }) };
}

describe('Refusals', () => {
  it('are counted by what and reason', () => {
    const { refusals } = scene();
    refusals.add('call', '10.0.0.1', error);
    refusals.add('call', '10.0.0.2', error);
    refusals.add('ended', '10.0.0.1', { ...error, reason: 'PING_FLOOD' });
    expect([...refusals.samples()]).toEqual([
      [{ what: 'call', reason: 'TOO_MANY_CALLS' }, 2],
      [{ what: 'ended', reason: 'PING_FLOOD' }, 1],
    ]);
  });

  it('are logged once a minute for each party, and for a hundred parties at most', async () => {
    const { refusals, lines, clock } = scene();
    for (let i = 0; i < 1000; i += 1) refusals.add('call', '10.0.0.1', error);
    refusals.add('ended', '10.0.0.2', error);
    expect(lines).toEqual([
      'refused a call of 10.0.0.1: your address makes too many calls',
      'ended a connection of 10.0.0.2: your address makes too many calls',
    ]);
    for (let i = 0; i < 1000; i += 1) refusals.add('call', `10.1.0.${i}`, error);
    expect(lines).toHaveLength(100);
    await clock.advance(60_000);
    refusals.add('call', '10.0.0.1', error);
    expect(lines).toHaveLength(101);
  });
});
