import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { tenSecondRates, type Movement } from '../../../test/support/windows.js';
import { UNLIMITED } from '../../domain/limits/byte-bucket.js';
import { weightOf } from '../../domain/limits/priority.js';
import { RateLimiter, type RateShare } from '../../domain/limits/rate-limiter.js';
import type { BlockPlace } from '../../domain/upload/chosen-blocks.js';
import { UploadAllowance } from '../../domain/upload/upload-allowance.js';
import { UploadScheduler, type UploadJob, type UploadRequest } from '../../domain/upload/upload-scheduler.js';
import { UploadGate, type Part } from './upload-gate.js';

const KB = 1000;
const MB = 1000 * KB;
const BLOCK = 256 * 1024;

type Wanted = UploadRequest & BlockPlace;
type Sent = Part & { readonly id: number };

interface Stream {
  readonly allowance: UploadAllowance;
  readonly sent: Movement[];
  readonly parts: Sent[];
  over: boolean;
}

/** An uploader on virtual time whose disk takes no time, and its network a while for each message, with streams that always want more. */
class VirtualUploader {
  readonly streams: Stream[] = [];
  readonly #scheduler = new UploadScheduler<Stream, Wanted>();
  readonly #gate = new UploadGate(() => this.#pump());
  #nextId = 1;
  /** Until a message has left. What leaves at once lets something else run all the same. */
  messageMs = 1;

  open(share: RateShare, takesParts = true): Stream {
    const allowance = new UploadAllowance(share, { takesParts });
    const stream: Stream = { allowance, sent: [], parts: [], over: false };
    this.streams.push(stream);
    this.#scheduler.open(stream, () => this.#gate.mayBegin(allowance));
    for (let count = 0; count < 4; count++) this.#ask(stream);
    return stream;
  }

  close(stream: Stream): void {
    stream.over = true;
    this.#scheduler.close(stream);
    this.#pump();
  }

  #ask(stream: Stream): void {
    const id = this.#nextId++;
    this.#scheduler.add(stream, { id, piece: id, begin: 0, length: BLOCK });
    this.#pump();
  }

  #pump(): void {
    this.#gate.release();
    for (let job = this.#scheduler.next(); job; job = this.#scheduler.next()) void this.#serve(job);
  }

  async #serve({ stream, request }: UploadJob<Stream, Wanted>): Promise<void> {
    const { allowance } = stream;
    if (this.#gate.takeWhole(request, allowance)) await this.#send(stream, { ...request, left: 0 });
    else {
      const parts = this.#gate.parts(request, allowance, () => !stream.over);
      for await (const part of parts) await this.#send(stream, { id: request.id, ...part });
    }
    this.#scheduler.done(stream, request);
    if (!stream.over) this.#ask(stream);
  }

  async #send(stream: Stream, part: Sent): Promise<void> {
    stream.parts.push(part);
    await new Promise<void>((resolve) => setTimeout(resolve, this.messageMs));
    stream.sent.push({ atMs: performance.now(), bytes: part.length });
    stream.allowance.moved(part.length);
  }
}

let uploader: VirtualUploader;

beforeEach(() => {
  jest.useFakeTimers({ now: 0 });
  uploader = new VirtualUploader();
});

afterEach(() => {
  jest.useRealTimers();
});

const run = (ms: number): Promise<void> => jest.advanceTimersByTimeAsync(ms);
const sentBy = (streams: readonly Stream[], fromMs: number, toMs: number): number =>
  streams
    .flatMap(({ sent }) => sent)
    .filter(({ atMs }) => atMs >= fromMs && atMs < toMs)
    .reduce((sum, { bytes }) => sum + bytes, 0);

/** All that left, on a clock that began with the test. */
function rates(streams: readonly Stream[], originMs: number, span: { fromMs: number; toMs: number }) {
  const sent = streams.flatMap((stream) =>
    stream.sent.map(({ atMs, bytes }) => ({ atMs: atMs - originMs, bytes })),
  );
  return tenSecondRates(sent, span);
}

describe('what an uploader sends', () => {
  it.each([
    [100 * KB, 1],
    [100 * KB, 4],
    [500 * KB, 3],
    [2 * MB, 4],
    [10 * MB, 1],
    [100 * MB, 4],
  ])('is %i bytes a second within 5 %% over any ten seconds, to %i streams', async (limit, count) => {
    const originMs = performance.now();
    const limiter = new RateLimiter(limit);
    const shares = [limiter.share(), limiter.share()];
    for (let index = 0; index < count; index++) uploader.open(shares[index % 2]!);
    await run(14_000);
    const { lowest, highest } = rates(uploader.streams, originMs, { fromMs: 1000, toMs: 14_000 });
    expect(lowest).toBeGreaterThan(limit * 0.95);
    expect(highest).toBeLessThan(limit * 1.05);
  });

  it.each([5 * KB, 10 * KB, 30 * KB])(
    'is off by no more than a part of 16 KiB in any ten seconds, where that is much: at %i, as a limit and as a pace',
    async (rate) => {
      for (const as of ['limit', 'pace']) {
        const stream = uploader.open(new RateLimiter(as === 'limit' ? rate : UNLIMITED).share());
        if (as === 'pace') stream.allowance.setPace(rate, performance.now());
        const originMs = performance.now();
        // What was on its way to a pace that is told comes first.
        await run(100_000);
        const span = { fromMs: 60_000, toMs: 100_000 };
        const { lowest, highest } = rates([stream], originMs, span);
        expect(lowest).toBeGreaterThanOrEqual(rate * 0.98 - 1639);
        expect(highest).toBeLessThanOrEqual(rate * 1.02 + 1639);
        uploader.close(stream);
      }
    },
  );

  it('is fair between transfers, not between streams, and within a transfer between its streams', async () => {
    const limiter = new RateLimiter(8 * MB);
    const [crowd, single] = [limiter.share(), limiter.share()];
    const many = Array.from({ length: 7 }, () => uploader.open(crowd));
    const one = uploader.open(single);
    const fromMs = performance.now();
    await run(10_000);
    const toMs = performance.now();
    expect(sentBy([one], fromMs, toMs) / sentBy(many, fromMs, toMs)).toBeCloseTo(1, 1);
    for (const stream of many)
      expect((sentBy([stream], fromMs, toMs) * 7) / sentBy(many, fromMs, toMs)).toBeCloseTo(1, 0);
  });

  it('goes by priority, and starves none', async () => {
    const limiter = new RateLimiter(4 * MB);
    const streams = (['high', 'normal', 'low'] as const).map((priority) => {
      const share = limiter.share();
      share.weight = weightOf(priority);
      return uploader.open(share);
    });
    const fromMs = performance.now();
    await run(20_000);
    const [high, normal, low] = streams.map((stream) => sentBy([stream], fromMs, performance.now()));
    expect(high! / low!).toBeCloseTo(4, 0);
    expect(normal! / low!).toBeCloseTo(2, 0);
  });

  it('follows a limit that is changed in the middle of a block, and one that is lifted', async () => {
    const limiter = new RateLimiter(20 * KB);
    const stream = uploader.open(limiter.share());
    await run(3000);
    expect(stream.allowance.isBusy).toBe(true);
    limiter.setLimit(1 * MB, performance.now());
    const fromMs = performance.now();
    await run(10_000);
    expect(sentBy([stream], fromMs, fromMs + 10_000) / (10 * MB)).toBeCloseTo(1, 1);
    limiter.setLimit(UNLIMITED, performance.now());
    const liftedMs = performance.now();
    await run(1000);
    expect(sentBy([stream], liftedMs, liftedMs + 1000)).toBeGreaterThan(100 * MB);
  });

  it.each([
    [300 * KB, 1],
    [500 * KB, 3],
    [10 * MB, 3],
  ])(
    'is right at once under %i bytes a second set while it runs without, to %i streams',
    async (limit, count) => {
      uploader.messageMs = 50;
      const limiter = new RateLimiter(UNLIMITED);
      const share = limiter.share();
      for (let index = 0; index < count; index++) uploader.open(share);
      await run(1020);
      const setMs = performance.now();
      limiter.setLimit(limit, setMs);
      await run(30_000);
      for (const afterMs of [0, 15_000]) {
        const sent = sentBy(uploader.streams, setMs + afterMs, setMs + afterMs + 10_000);
        expect(sent).toBeGreaterThan(limit * 9.5);
        expect(sent).toBeLessThan(limit * 10.5);
      }
      const { highest } = rates(uploader.streams, setMs, { fromMs: 0, toMs: 30_000 });
      expect(highest).toBeLessThan(limit * 1.05);
    },
  );

  it('is as even as its downloader asked, without holding up others of the same transfer', async () => {
    const share = new RateLimiter(UNLIMITED).share();
    const [slow, fast] = [uploader.open(share), uploader.open(share)];
    slow.allowance.setPace(100 * KB, performance.now());
    // What was on its way to it before counts too.
    const fromMs = performance.now() + 12_000;
    await run(22_000);
    expect(sentBy([slow], fromMs, fromMs + 10_000) / MB).toBeCloseTo(1, 1);
    expect(sentBy([fast], fromMs, fromMs + 10_000)).toBeGreaterThan(1000 * MB);
    expect(Math.max(...slow.parts.slice(20).map(({ length }) => length))).toBe(16 << 10);
  });

  it('comes in parts that make up the block, one block after the other', async () => {
    const stream = uploader.open(new RateLimiter(1 * MB).share());
    await run(2000);
    let rest: Pick<Wanted, 'id' | 'begin' | 'length'> | undefined;
    for (const { id, begin, length, left } of stream.parts) {
      if (rest) expect([id, begin, length + left]).toEqual([rest.id, rest.begin, rest.length]);
      else expect([begin, length + left]).toEqual([0, BLOCK]);
      rest = left > 0 ? { id, begin: begin + length, length: left } : undefined;
    }
    expect(stream.parts.length).toBeGreaterThan(20);
  });

  it('comes in whole blocks to a downloader that does not take parts', async () => {
    const stream = uploader.open(new RateLimiter(100 * KB).share(), false);
    await run(20_000);
    expect(stream.parts.length).toBeGreaterThan(6);
    expect(stream.parts.length).toBeLessThan(10);
    for (const part of stream.parts) expect([part.length, part.left]).toEqual([BLOCK, 0]);
  });

  it('goes to the others when a stream ends in the middle of a block', async () => {
    const share = new RateLimiter(100 * KB).share();
    const [gone, stays] = [uploader.open(share), uploader.open(share)];
    await run(1000);
    uploader.close(gone);
    const fromMs = performance.now();
    await run(20_000);
    expect(sentBy([gone], fromMs, fromMs + 20_000)).toBe(0);
    expect(sentBy([stays], fromMs, fromMs + 20_000) / (2 * MB)).toBeCloseTo(1, 1);
  });
});
