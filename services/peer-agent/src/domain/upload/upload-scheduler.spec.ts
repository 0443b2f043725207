import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { UploadScheduler, type UploadRequest } from './upload-scheduler.js';

const WIDE = { maxBytes: 1e9, maxStreamBytes: 1e9, maxQueued: 2048 };

function request(id: number, length = 100): UploadRequest {
  return { id, length };
}

function opened(limits = WIDE, streams = ['a', 'b', 'c']): UploadScheduler<string> {
  const scheduler = new UploadScheduler<string>(limits);
  for (const stream of streams) scheduler.open(stream);
  return scheduler;
}

/** Everything that may be served now, as "stream id". */
function drain(scheduler: UploadScheduler<string>): string[] {
  const served: string[] = [];
  for (let job = scheduler.next(); job; job = scheduler.next()) served.push(`${job.stream}${job.request.id}`);
  return served;
}

describe('UploadScheduler', () => {
  it('lets streams take turns, however much each of them requested', () => {
    const scheduler = opened();
    for (const id of [1, 2, 3, 4]) scheduler.add('a', request(id));
    scheduler.add('b', request(1));
    scheduler.add('c', request(1));
    scheduler.add('c', request(2));
    expect(drain(scheduler)).toEqual(['a1', 'b1', 'c1', 'a2', 'c2', 'a3', 'a4']);
  });

  it('stops at the byte limit of one stream, and continues with the others', () => {
    const scheduler = opened({ ...WIDE, maxStreamBytes: 150 });
    for (const id of [1, 2, 3]) scheduler.add('a', request(id));
    scheduler.add('b', request(1));
    expect(drain(scheduler)).toEqual(['a1', 'b1', 'a2']);
    scheduler.done('a', request(1));
    expect(drain(scheduler)).toEqual(['a3']);
  });

  it('stops at the byte limit of all streams together', () => {
    const scheduler = opened({ ...WIDE, maxBytes: 250 });
    for (const stream of ['a', 'b', 'c']) for (const id of [1, 2]) scheduler.add(stream, request(id));
    expect(drain(scheduler)).toEqual(['a1', 'b1', 'c1']);
    scheduler.done('b', request(1));
    expect(drain(scheduler)).toEqual(['a2']);
  });

  it('parks a request without counting its bytes, and wakes it before all others of its stream', () => {
    const scheduler = opened({ ...WIDE, maxStreamBytes: 100 });
    for (const id of [1, 2]) scheduler.add('a', request(id));
    expect(drain(scheduler)).toEqual(['a1']);
    scheduler.park('a', request(1));
    expect(drain(scheduler)).toEqual(['a2']);
    scheduler.done('a', request(2));
    expect(drain(scheduler)).toEqual([]);
    expect(scheduler.add('a', request(1))).toBe('duplicate');
    scheduler.add('a', request(3));
    scheduler.wake('a');
    expect(drain(scheduler)).toEqual(['a1']);
  });

  it('removes a parked request that is cancelled, and counts it among the unanswered ones', () => {
    const scheduler = opened({ ...WIDE, maxQueued: 1 });
    scheduler.add('a', request(1));
    drain(scheduler);
    scheduler.park('a', request(1));
    expect(scheduler.add('a', request(2))).toBe('full');
    expect(scheduler.cancel('a', 1)).toBe(true);
    scheduler.wake('a');
    expect(drain(scheduler)).toEqual([]);
  });

  it('rejects a duplicate id until the request is answered', () => {
    const scheduler = opened();
    expect(scheduler.add('a', request(1))).toBe('queued');
    expect(scheduler.add('a', request(1))).toBe('duplicate');
    expect(scheduler.add('b', request(1))).toBe('queued');
    drain(scheduler);
    expect(scheduler.add('a', request(1))).toBe('duplicate');
    scheduler.done('a', request(1));
    expect(scheduler.add('a', request(1))).toBe('queued');
  });

  it('treats a stream as full by waiting and running requests together', () => {
    const scheduler = opened({ ...WIDE, maxStreamBytes: 100, maxQueued: 3 });
    for (const id of [1, 2, 3]) scheduler.add('a', request(id));
    expect(drain(scheduler)).toEqual(['a1']);
    expect(scheduler.add('a', request(4))).toBe('full');
    expect(scheduler.add('b', request(4))).toBe('queued');
    scheduler.done('a', request(1));
    expect(scheduler.add('a', request(4))).toBe('queued');
  });

  it('cancels a waiting request, but not a running one', () => {
    const scheduler = opened({ ...WIDE, maxStreamBytes: 100 });
    for (const id of [1, 2, 3]) scheduler.add('a', request(id));
    drain(scheduler);
    expect([1, 2, 99].map((id) => scheduler.cancel('a', id))).toEqual([false, true, false]);
    scheduler.done('a', request(1));
    expect(drain(scheduler)).toEqual(['a3']);
  });

  it('gives the bytes of a closed stream to the others', () => {
    const scheduler = opened({ ...WIDE, maxBytes: 100 });
    for (const stream of ['a', 'b']) scheduler.add(stream, request(1));
    expect(drain(scheduler)).toEqual(['a1']);
    scheduler.close('a');
    expect(drain(scheduler)).toEqual(['b1']);
    scheduler.done('a', request(1)); // Comes late: the read was in progress.
    expect(scheduler.next()).toBeUndefined();
    scheduler.add('c', request(1));
    expect(drain(scheduler)).toEqual([]);
  });

  it('serves each request once, in order within its stream, within all limits, whatever happens', () => {
    const limits = { maxBytes: 900, maxStreamBytes: 400, maxQueued: 6 };
    const stream = fc.constantFrom('a', 'b', 'c', 'd');
    const step = fc.oneof(
      fc.record({ do: fc.constant('add' as const), stream, length: fc.integer({ min: 1, max: 256 }) }),
      fc.record({ do: fc.constantFrom('cancel' as const, 'done' as const, 'reopen' as const), stream }),
      fc.record({ do: fc.constant('next' as const), stream }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 150 }), (steps) => {
        const scheduler = opened(limits, ['a', 'b', 'c', 'd']);
        const waiting = new Map<string, UploadRequest[]>(['a', 'b', 'c', 'd'].map((name) => [name, []]));
        const running = new Map<string, UploadRequest[]>(['a', 'b', 'c', 'd'].map((name) => [name, []]));
        const bytesOf = (name: string): number =>
          running.get(name)!.reduce((sum, { length }) => sum + length, 0);
        const allBytes = (): number => [...running.keys()].reduce((sum, name) => sum + bytesOf(name), 0);
        let nextId = 1;
        for (const act of steps) {
          const [queued, served] = [waiting.get(act.stream)!, running.get(act.stream)!];
          if (act.do === 'add') {
            const added = request(nextId++, act.length);
            const full = queued.length + served.length >= limits.maxQueued;
            expect(scheduler.add(act.stream, added)).toBe(full ? 'full' : 'queued');
            if (!full) queued.push(added);
          } else if (act.do === 'cancel') {
            const last = queued.pop();
            if (last) expect(scheduler.cancel(act.stream, last.id)).toBe(true);
          } else if (act.do === 'done') {
            const finished = served.shift();
            if (finished) scheduler.done(act.stream, finished);
          } else if (act.do === 'reopen') {
            scheduler.close(act.stream);
            scheduler.open(act.stream);
            queued.length = served.length = 0;
          } else {
            const ready = [...waiting].some(
              ([name, list]) => list.length > 0 && bytesOf(name) < limits.maxStreamBytes,
            );
            const job = scheduler.next();
            expect(job !== undefined).toBe(ready && allBytes() < limits.maxBytes);
            if (!job) continue;
            expect(bytesOf(job.stream)).toBeLessThan(limits.maxStreamBytes);
            expect(job.request).toBe(waiting.get(job.stream)!.shift());
            running.get(job.stream)!.push(job.request);
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  it('ignores close, cancel and done for a stream that is not open', () => {
    const scheduler = opened(WIDE, ['a']);
    scheduler.add('a', request(1));
    scheduler.close('stranger');
    scheduler.done('stranger', request(1));
    expect(scheduler.cancel('stranger', 1)).toBe(false);
    expect(drain(scheduler)).toEqual(['a1']);
  });

  it('accepts 2,048 requests of a stream, and serves 2 MiB of them at a time, by default', () => {
    const scheduler = new UploadScheduler<string>();
    scheduler.open('a');
    for (let id = 0; id < 2048; id++) expect(scheduler.add('a', request(id, 256 << 10))).toBe('queued');
    expect(scheduler.add('a', request(2048))).toBe('full');
    expect(drain(scheduler)).toHaveLength(8);
  });
});
