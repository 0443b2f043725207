import { describe, expect, it } from '@jest/globals';
import { Serial } from './serial.js';

describe('Serial', () => {
  it('runs one piece of work after the other, in the order of the calls', async () => {
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

  it('rejects for the caller of failed work, and continues', async () => {
    const serial = new Serial();
    const failing = serial.run(() => Promise.reject(new Error('no')));
    const next = serial.run(() => Promise.resolve('yes'));
    await expect(failing).rejects.toThrow('no');
    expect(await next).toBe('yes');
  });

  it('drops work that is aborted before its turn, and rejects at once', async () => {
    const serial = new Serial();
    const done: string[] = [];
    const work = (name: string) => async (): Promise<string> => {
      await Promise.resolve();
      done.push(name);
      return name;
    };
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => (release = resolve));
    const [first, second, gone] = [new AbortController(), new AbortController(), new AbortController()];
    gone.abort(new Error('gone before'));
    const begun = serial.runUnless(first.signal, () => held.then(work('begun')));
    const waiting = serial.runUnless(second.signal, work('waiting'));
    const last = serial.run(work('last'));
    await expect(serial.runUnless(gone.signal, work('late'))).rejects.toThrow('gone before');
    second.abort(new Error('given up'));
    await expect(waiting).rejects.toThrow('given up');
    expect(done).toEqual([]);
    first.abort();
    release();
    expect(await begun).toBe('begun');
    await last;
    expect(done).toEqual(['begun', 'last']);
    const failing = serial.runUnless(new AbortController().signal, () => Promise.reject(new Error('no')));
    await expect(failing).rejects.toThrow('no');
    expect(await serial.run(work('next'))).toBe('next');
  });

  it('is idle once all work has ended, successfully or not', async () => {
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
