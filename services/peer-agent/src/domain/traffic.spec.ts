import { describe, expect, it } from '@jest/globals';
import { TrafficByDistance } from './traffic.js';

describe('TrafficByDistance', () => {
  it('adds bytes by distance and direction to the previous totals', () => {
    const first = new TrafficByDistance();
    first.received('zone', 3);
    first.sent('far', 4);
    const second = new TrafficByDistance(first.record);
    second.received('zone', 2);
    expect(second.record).toMatchObject({ received: { zone: 5, far: 0 }, sent: { far: 4, zone: 0 } });
    expect(first.record.received.zone).toBe(3);
  });
});
