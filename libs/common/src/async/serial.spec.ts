import { describe, expect, it } from '@jest/globals';
import { Serial } from './serial.js';

describe('Serial', () => {
  it('does one thing after the other, in the order in which they came', async () => {
    const serial = new Serial();
    const trace: string[] = [];
    const work = (name: string, ticks: number) => async (): Promise<string> => {
      trace.push(`${name} begins`);
      for (let tick = 0; tick < ticks; tick++) await Promise.resolve();
      trace.push(`${name} ends`);
      return name;
    };
    const results = await Promise.all([
      serial.run(work('a', 9)),
      serial.run(work('b', 0)),
      serial.run(work('c', 3)),
    ]);
    expect(results).toEqual(['a', 'b', 'c']);
    expect(trace).toEqual(['a begins', 'a ends', 'b begins', 'b ends', 'c begins', 'c ends']);
  });

  it('tells whoever asked of a failure, and goes on', async () => {
    const serial = new Serial();
    const failing = serial.run(() => Promise.reject(new Error('no')));
    const next = serial.run(() => Promise.resolve('yes'));
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('yes');
  });

  it('is idle once all work has ended, well or not', async () => {
    const serial = new Serial();
    const ended: string[] = [];
    serial.run(() => Promise.reject(new Error('no'))).catch(() => ended.push('failed'));
    void serial.run(async () => {
      await Promise.resolve();
      ended.push('done');
    });
    await serial.idle();
    expect(ended).toEqual(['failed', 'done']);
    await new Serial().idle();
  });
});
