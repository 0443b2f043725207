import { beforeEach, describe, expect, it } from '@jest/globals';
import { Bitfield } from '@enjambre/core/bitfield';
import { PieceLayout } from '@enjambre/core/layout';
import fc from 'fast-check';
import { bytesOf, metainfoOf } from '../../../test/support/content.js';
import { VirtualTime } from '@enjambre/harness/virtual-time';
import { tenSecondRates, type Movement } from '../../../test/support/windows.js';
import { UNLIMITED } from '../limits/byte-bucket.js';
import { weightOf } from '../limits/priority.js';
import { RateLimiter, type RateShare } from '../limits/rate-limiter.js';
import { seededRandom } from '../random.js';
import type { Part, UploadEffect, UploadEvent, UploadFile } from './messages.js';
import { SuperSeeding } from './super-seeding.js';
import { UploadEngine } from './upload-engine.js';

const KB = 1000;
const MB = 1000 * KB;
const BLOCK = 256 * 1024;
const layout = new PieceLayout(metainfoOf(bytesOf(8 * BLOCK), BLOCK));

interface Stream {
  readonly sent: Movement[];
  readonly parts: Sent[];
  over: boolean;
}

type Sent = Part & { readonly id: number };
type Event = UploadEvent<Stream, Stream>;

/**
 * An uploader on virtual time whose disk takes no time, and whose network takes a while per message, with streams that
 * always request more.
 */
class VirtualUploader {
  readonly streams: Stream[] = [];
  readonly #engine = new UploadEngine<Stream, Stream>({ slots: 256 });
  #nextId = 1;
  readonly time = new VirtualTime();
  #stopTimer: () => void = () => undefined;
  /** Until a message has been sent. Even an instant send yields to other tasks. */
  messageMs = 1;

  open(share: RateShare, takesParts = true): Stream {
    const stream: Stream = { sent: [], parts: [], over: false };
    this.streams.push(stream);
    const have = Bitfield.full(layout.pieceCount);
    const superSeeding = new SuperSeeding(layout.pieceCount, seededRandom(1));
    this.feed({ type: 'downloader-joined', downloader: stream, file: { layout, have, share, superSeeding } });
    this.feed({ type: 'stream-opened', stream, downloader: stream, takesParts });
    for (let count = 0; count < 4; count++) this.#ask(stream);
    return stream;
  }

  close(stream: Stream): void {
    stream.over = true;
    this.feed({ type: 'stream-closed', stream });
  }

  pace(stream: Stream, bytesPerSecond: number): void {
    this.feed({ type: 'stream-paced', stream, bytesPerSecond });
  }

  feed(event: Event): void {
    const { nowMs } = this.time;
    const [other] = this.#engine.handle(event, nowMs);
    if (other) throw new Error(`nothing is ${other.type} here`);
    for (let effect = this.#engine.next(nowMs); effect; effect = this.#engine.next(nowMs)) {
      if (effect.type !== 'send') throw new Error(`nothing is ${effect.type} here`);
      this.#send(effect.stream, effect.id, effect.part);
    }
    this.#stopTimer();
    const { wakeMs } = this.#engine;
    if (wakeMs === Infinity) return;
    this.#stopTimer = this.time.in(wakeMs - nowMs, () => this.feed({ type: 'tick' }));
  }

  #ask(stream: Stream): void {
    const id = this.#nextId++;
    const request = { id, piece: id % layout.pieceCount, begin: 0, length: BLOCK };
    this.feed({ type: 'requested', stream, request });
  }

  #send(stream: Stream, id: number, part: Part): void {
    stream.parts.push({ id, ...part });
    this.time.in(this.messageMs, () => {
      stream.sent.push({ atMs: this.time.nowMs, bytes: part.length });
      if (stream.over) return;
      this.feed({ type: 'part-sent', stream, id, part });
      if (part.left === 0) this.#ask(stream);
    });
  }
}

let uploader: VirtualUploader;

beforeEach(() => {
  uploader = new VirtualUploader();
});

const run = (ms: number): void => uploader.time.advance(ms);
const sentBy = (streams: readonly Stream[], fromMs: number, toMs: number): number =>
  streams
    .flatMap(({ sent }) => sent)
    .filter(({ atMs }) => atMs >= fromMs && atMs < toMs)
    .reduce((sum, { bytes }) => sum + bytes, 0);

/** All messages sent, on a clock that starts with the test. */
function rates(streams: readonly Stream[], originMs: number, span: { fromMs: number; toMs: number }) {
  const sent = streams.flatMap((stream) =>
    stream.sent.map(({ atMs, bytes }) => ({ atMs: atMs - originMs, bytes })),
  );
  return tenSecondRates(sent, span);
}

describe('the blocks that an uploader sends', () => {
  it.each([
    [100 * KB, 1],
    [100 * KB, 4],
    [500 * KB, 3],
    [2 * MB, 4],
    [10 * MB, 1],
    [100 * MB, 4],
  ])('are %i bytes per second within 5 %% over any ten seconds, to %i streams', (limit, count) => {
    const originMs = uploader.time.nowMs;
    const limiter = new RateLimiter(limit);
    const shares = [limiter.share(), limiter.share()];
    for (let index = 0; index < count; index++) uploader.open(shares[index % 2]!);
    run(14_000);
    const { lowest, highest } = rates(uploader.streams, originMs, { fromMs: 1000, toMs: 14_000 });
    expect(lowest).toBeGreaterThan(limit * 0.95);
    expect(highest).toBeLessThan(limit * 1.05);
  });

  it.each([5 * KB, 10 * KB, 30 * KB])(
    'are off by at most a part of 16 KiB in any ten seconds, where that matters: at %i, as a limit and as a pace',
    (rate) => {
      for (const as of ['limit', 'pace']) {
        const stream = uploader.open(new RateLimiter(as === 'limit' ? rate : UNLIMITED).share());
        if (as === 'pace') uploader.pace(stream, rate);
        const originMs = uploader.time.nowMs;
        // Bytes in flight when the pace is set come first.
        run(100_000);
        const span = { fromMs: 60_000, toMs: 100_000 };
        const { lowest, highest } = rates([stream], originMs, span);
        expect(lowest).toBeGreaterThanOrEqual(rate * 0.98 - 1639);
        expect(highest).toBeLessThanOrEqual(rate * 1.02 + 1639);
        uploader.close(stream);
      }
    },
  );

  it('are fair between transfers, not between streams, and within a transfer between its streams', () => {
    const limiter = new RateLimiter(8 * MB);
    const [crowd, single] = [limiter.share(), limiter.share()];
    const many = Array.from({ length: 7 }, () => uploader.open(crowd));
    const one = uploader.open(single);
    const fromMs = uploader.time.nowMs;
    run(10_000);
    const toMs = uploader.time.nowMs;
    expect(sentBy([one], fromMs, toMs) / sentBy(many, fromMs, toMs)).toBeCloseTo(1, 1);
    for (const stream of many)
      expect((sentBy([stream], fromMs, toMs) * 7) / sentBy(many, fromMs, toMs)).toBeCloseTo(1, 0);
  });

  it('follow priorities, and starve no transfer', () => {
    const limiter = new RateLimiter(4 * MB);
    const streams = (['high', 'normal', 'low'] as const).map((priority) => {
      const share = limiter.share();
      share.weight = weightOf(priority);
      return uploader.open(share);
    });
    const fromMs = uploader.time.nowMs;
    run(20_000);
    const [high, normal, low] = streams.map((stream) => sentBy([stream], fromMs, uploader.time.nowMs));
    expect(high! / low!).toBeCloseTo(4, 0);
    expect(normal! / low!).toBeCloseTo(2, 0);
  });

  it('follow a limit that is changed in the middle of a block, and one that is lifted', () => {
    const limiter = new RateLimiter(20 * KB);
    const stream = uploader.open(limiter.share());
    run(3000);
    expect(stream.parts.at(-1)?.left).toBeGreaterThan(0);
    limiter.setLimit(1 * MB, uploader.time.nowMs);
    const fromMs = uploader.time.nowMs;
    run(10_000);
    expect(sentBy([stream], fromMs, fromMs + 10_000) / (10 * MB)).toBeCloseTo(1, 1);
    limiter.setLimit(UNLIMITED, uploader.time.nowMs);
    const liftedMs = uploader.time.nowMs;
    run(1000);
    expect(sentBy([stream], liftedMs, liftedMs + 1000)).toBeGreaterThan(100 * MB);
  });

  it.each([
    [300 * KB, 1],
    [500 * KB, 3],
    [10 * MB, 3],
  ])(
    'are right at once under %i bytes per second set while it runs without a limit, to %i streams',
    (limit, count) => {
      uploader.messageMs = 50;
      const limiter = new RateLimiter(UNLIMITED);
      const share = limiter.share();
      for (let index = 0; index < count; index++) uploader.open(share);
      run(1020);
      const setMs = uploader.time.nowMs;
      limiter.setLimit(limit, setMs);
      run(30_000);
      for (const afterMs of [0, 15_000]) {
        const sent = sentBy(uploader.streams, setMs + afterMs, setMs + afterMs + 10_000);
        expect(sent).toBeGreaterThan(limit * 9.5);
        expect(sent).toBeLessThan(limit * 10.5);
      }
      const { highest } = rates(uploader.streams, setMs, { fromMs: 0, toMs: 30_000 });
      expect(highest).toBeLessThan(limit * 1.05);
    },
  );

  it('are as even as its downloader requested, without holding up others of the same transfer', () => {
    const share = new RateLimiter(UNLIMITED).share();
    const [slow, fast] = [uploader.open(share), uploader.open(share)];
    uploader.pace(slow, 100 * KB);
    // Bytes in flight to it before count too.
    const fromMs = uploader.time.nowMs + 12_000;
    run(22_000);
    expect(sentBy([slow], fromMs, fromMs + 10_000) / MB).toBeCloseTo(1, 1);
    expect(sentBy([fast], fromMs, fromMs + 10_000)).toBeGreaterThan(1000 * MB);
    expect(Math.max(...slow.parts.slice(20).map(({ length }) => length))).toBe(16 << 10);
  });

  it('come in parts that make up the block, one block after the other', () => {
    const stream = uploader.open(new RateLimiter(1 * MB).share());
    run(2000);
    let rest: Pick<Sent, 'id' | 'begin' | 'length'> | undefined;
    for (const { id, begin, length, left } of stream.parts) {
      if (rest) expect([id, begin, length + left]).toEqual([rest.id, rest.begin, rest.length]);
      else expect([begin, length + left]).toEqual([0, BLOCK]);
      rest = left > 0 ? { id, begin: begin + length, length: left } : undefined;
    }
    expect(stream.parts.length).toBeGreaterThan(20);
  });

  it('come in whole blocks to a downloader that does not accept parts', () => {
    const stream = uploader.open(new RateLimiter(100 * KB).share(), false);
    run(20_000);
    expect(stream.parts.length).toBeGreaterThan(6);
    expect(stream.parts.length).toBeLessThan(10);
    for (const part of stream.parts) expect([part.length, part.left]).toEqual([BLOCK, 0]);
  });

  it('go to the others when a stream ends in the middle of a block', () => {
    const share = new RateLimiter(100 * KB).share();
    const [gone, stays] = [uploader.open(share), uploader.open(share)];
    run(1000);
    uploader.close(gone);
    const fromMs = uploader.time.nowMs;
    run(20_000);
    expect(sentBy([gone], fromMs, fromMs + 20_000)).toBe(0);
    expect(sentBy([stays], fromMs, fromMs + 20_000) / (2 * MB)).toBeCloseTo(1, 1);
  });
});

/** Two downloaders with three streams and one file that lacks a piece. The test chooses each step. */
class Table {
  readonly have = Bitfield.full(layout.pieceCount);
  readonly #limits = { maxBytes: 5 * BLOCK, maxStreamBytes: 3 * BLOCK, maxQueued: 8 };
  readonly #engine = new UploadEngine<string, string>({ slots: 1, limits: this.#limits });
  readonly #file: UploadFile;
  /** Streams by downloader. */
  readonly #streams = new Map([
    ['one', ['a', 'b']],
    ['two', ['c']],
  ]);
  readonly #present = new Set<string>();
  readonly #open = new Set<string>();
  /** Unanswered requests, by stream. */
  readonly #unanswered = new Map<string, Set<number>>();
  /** Parts that are being sent. */
  readonly #underWay: { stream: string; id: number; part: Part; sinceMs: number }[] = [];
  readonly #limiter = new RateLimiter(UNLIMITED);
  #nowMs = 0;
  #nextId = 1;

  constructor(seed: number) {
    this.have.clear(3);
    const superSeeding = new SuperSeeding(layout.pieceCount, seededRandom(seed));
    this.#file = { layout, have: this.have, share: this.#limiter.share(), superSeeding };
  }

  step(kind: number, which: number): void {
    this.#nowMs += which % 3 === 0 ? 400 : 0;
    const [downloader, streams] = [...this.#streams][which % 2]!;
    const stream = streams[which % streams.length]!;
    switch (kind) {
      case 0:
        return this.#join(downloader);
      case 1:
        return this.#leave(downloader, streams);
      case 2:
        return this.#feed({ type: 'downloader-has', downloader, pieces: [which % layout.pieceCount] });
      case 3:
        return this.#openStream(downloader, stream, which % 5 > 0);
      case 4:
        this.#unanswered.delete(stream);
        this.#open.delete(stream);
        this.#drop(stream);
        return this.#feed({ type: 'stream-closed', stream });
      case 5:
        return this.#feed({
          type: 'cancelled',
          stream,
          id: [...(this.#unanswered.get(stream) ?? [])][which % 4] ?? 0,
        });
      case 6:
        this.#limiter.setLimit(which % 2 === 0 ? UNLIMITED : 300 * KB, this.#nowMs);
        return this.#feed({ type: 'tick' });
      case 7:
        this.have.set(3);
        return this.#feed({ type: 'file-completed', file: this.#file });
      case 8:
      case 9:
        return this.#finish(which);
      default:
        return this.#request(stream, which);
    }
  }

  /**
   * Sends everything in progress and advances time: no request may stay unanswered except of a downloader without a
   * slot.
   */
  settle(): void {
    for (let round = 0; round < 200; round++) {
      while (this.#underWay.length > 0) this.#finish(2);
      this.#nowMs += 1000;
      this.#feed({ type: 'tick' });
    }
    expect([...this.#unanswered].filter(([, ids]) => ids.size > 0)).toEqual([]);
    expect(this.#engine.load).toEqual({ waiting: 0, bytes: 0 });
    expect(this.#file.share.underWay).toBe(0);
    // The only slot changes hands while both are there.
    expect(this.#engine.wakeMs === Infinity).toBe(this.#present.size < 2);
  }

  #join(downloader: string): void {
    if (this.#present.has(downloader)) return;
    this.#present.add(downloader);
    this.#feed({ type: 'downloader-joined', downloader, file: this.#file });
    this.#feed({ type: 'downloader-bitfield', downloader, has: Bitfield.empty(layout.pieceCount) });
  }

  #leave(downloader: string, streams: readonly string[]): void {
    this.#present.delete(downloader);
    for (const stream of streams) {
      this.#unanswered.delete(stream);
      this.#open.delete(stream);
      this.#drop(stream);
    }
    this.#feed({ type: 'downloader-left', downloader });
  }

  #openStream(downloader: string, stream: string, takesParts: boolean): void {
    if (this.#open.has(stream) || !this.#present.has(downloader)) return;
    this.#open.add(stream);
    this.#unanswered.set(stream, new Set());
    this.#feed({ type: 'stream-opened', stream, downloader, takesParts });
  }

  #request(stream: string, which: number): void {
    const unanswered = this.#unanswered.get(stream);
    if (!unanswered || unanswered.size >= this.#limits.maxQueued) return;
    const id = this.#nextId++;
    unanswered.add(id);
    const what =
      which % 2 === 0 ? { any: { modulus: 1, residue: 0 } } : { piece: which % layout.pieceCount, begin: 0 };
    this.#feed({ type: 'requested', stream, request: { id, length: BLOCK, ...what } });
  }

  /** A part is sent, or could not be read. */
  #finish(which: number): void {
    const [done] = this.#underWay.splice(which % Math.max(1, this.#underWay.length), 1);
    if (!done) return;
    if (which % 7 === 6) return this.#feed({ type: 'part-failed', ...done, reason: 'read-failed' });
    if (done.part.left === 0) this.#answer(done.stream, done.id);
    this.#feed({ type: 'part-sent', ...done });
  }

  #feed(event: UploadEvent<string, string>): void {
    for (const effect of this.#engine.handle(event, this.#nowMs)) this.#apply(effect);
    for (let effect = this.#engine.next(this.#nowMs); effect; effect = this.#engine.next(this.#nowMs))
      this.#apply(effect);
  }

  #apply(effect: UploadEffect<string, string>): void {
    if (effect.type === 'violation') {
      expect(effect.breach).toBe('stalled');
      return this.#stalled(effect.stream);
    }
    if (effect.type === 'reject') return this.#answer(effect.stream, effect.id);
    if (effect.type !== 'send') return expect(this.#present).toContain(effect.downloader);
    const { stream, id, part } = effect;
    expect(this.#unanswered.get(stream)).toContain(id);
    expect(this.have.has(part.piece)).toBe(true);
    const { begin, length, left } = part;
    expect(begin + length + left).toBe(BLOCK);
    this.#underWay.push({ stream, id, part, sinceMs: this.#nowMs });
    // Some are read at once, others only when they are sent.
    if (id % 2 === 0) this.#engine.handle({ type: 'part-read', stream, id, part }, this.#nowMs);
    const bytesOfAll = (all: readonly { part: Part }[]): number =>
      all.reduce((sum, one) => sum + one.part.length, 0);
    expect(bytesOfAll(this.#underWay)).toBeLessThanOrEqual(this.#limits.maxBytes);
    const own = this.#underWay.filter((one) => one.stream === stream);
    expect(bytesOfAll(own)).toBeLessThanOrEqual(this.#limits.maxStreamBytes);
  }

  /** Others wait for what it holds, and nothing of that was sent for two seconds. */
  #stalled(stream: string): void {
    const held = this.#underWay.filter((one) => one.stream === stream);
    expect(held.length).toBeGreaterThan(0);
    for (const { sinceMs } of held) expect(this.#nowMs - sinceMs).toBeGreaterThanOrEqual(2000);
    this.#unanswered.delete(stream);
    this.#open.delete(stream);
    this.#drop(stream);
    this.#feed({ type: 'stream-closed', stream });
  }

  /** Once for each request. */
  #answer(stream: string, id: number): void {
    expect(this.#unanswered.get(stream)?.delete(id)).toBe(true);
  }

  #drop(stream: string): void {
    for (let at = this.#underWay.length - 1; at >= 0; at--)
      if (this.#underWay[at]?.stream === stream) this.#underWay.splice(at, 1);
  }
}

describe('the upload engine', () => {
  const full = Bitfield.full(layout.pieceCount);
  const fileOf = (): UploadFile => ({
    layout,
    have: full,
    share: new RateLimiter(UNLIMITED).share(),
    superSeeding: new SuperSeeding(layout.pieceCount, seededRandom(1)),
  });

  /** Opens a stream of each downloader, named as the downloader, and requests as many blocks on it. */
  function crowd(
    engine: UploadEngine<string, string>,
    downloaders: readonly { name: string; party: string; blocks: number }[],
    nowMs: number,
    isRead = true,
  ): UploadEffect<string, string>[] {
    const file = fileOf();
    const effects: UploadEffect<string, string>[] = [];
    const feed = (event: UploadEvent<string, string>): void =>
      void effects.push(...engine.handle(event, nowMs));
    for (const { name, party, blocks } of downloaders) {
      feed({ type: 'downloader-joined', downloader: name, file, party });
      feed({ type: 'stream-opened', stream: name, downloader: name, takesParts: false });
      for (let id = 1; id <= blocks; id++)
        feed({
          type: 'requested',
          stream: name,
          request: { id, piece: id % layout.pieceCount, begin: 0, length: BLOCK },
        });
    }
    for (let effect = engine.next(nowMs); effect; effect = engine.next(nowMs)) {
      effects.push(effect);
      if (isRead && effect.type === 'send')
        engine.handle({ type: 'part-read', stream: effect.stream, id: effect.id, part: effect.part }, nowMs);
    }
    return effects;
  }

  it('takes the slots of 256 strangers that ask for nothing back after ten seconds, and of one party at once', () => {
    const idle = (party: (number: number) => string) =>
      Array.from({ length: 256 }, (_, number) => ({
        name: `idle ${number}`,
        party: party(number),
        blocks: 0,
      }));
    const honest = [{ name: 'honest', party: 'honest', blocks: 1 }];
    const many = new UploadEngine<string, string>({ slots: 256 });
    crowd(
      many,
      idle((number) => `party ${number}`),
      0,
    );
    expect(crowd(many, honest, 1000)).toEqual([
      { type: 'choke', downloader: 'honest' },
      { type: 'reject', stream: 'honest', id: 1, reason: 'choked' },
    ]);
    expect(many.wakeMs).toBe(10_000);
    expect(many.handle({ type: 'tick' }, 9999)).toEqual([]);
    expect(many.handle({ type: 'tick' }, 10_000)).toEqual([
      { type: 'choke', downloader: 'idle 0' },
      { type: 'unchoke', downloader: 'honest' },
    ]);
    const one = new UploadEngine<string, string>({ slots: 256 });
    crowd(
      one,
      idle(() => 'mallory'),
      0,
    );
    expect(crowd(one, honest, 1000)).toMatchObject([
      { type: 'choke', downloader: 'idle 0' },
      { type: 'send', stream: 'honest' },
    ]);
  });

  it('gives a downloader that has progress no less time for those that wait', () => {
    const engine = new UploadEngine<string, string>({ slots: 1 });
    const [sent] = crowd(engine, [{ name: 'busy', party: 'busy', blocks: 2 }], 0);
    crowd(engine, [{ name: 'late', party: 'late', blocks: 0 }], 0);
    if (sent?.type !== 'send') throw new Error('nothing was sent');
    engine.handle({ type: 'part-sent', stream: 'busy', id: sent.id, part: sent.part }, 9000);
    expect(engine.handle({ type: 'tick' }, 18_999)).toEqual([]);
    expect(engine.handle({ type: 'tick' }, 19_000)).toMatchObject([
      { type: 'choke', downloader: 'busy' },
      { type: 'unchoke', downloader: 'late' },
    ]);
  });

  it('leaves half of the memory to an honest party beside one with thirty streams that reads nothing', () => {
    const limits = { maxBytes: 48 * BLOCK, maxStreamBytes: 8 * BLOCK, maxQueued: 100 };
    const engine = new UploadEngine<string, string>({ slots: 256, limits });
    const streams = Array.from({ length: 30 }, (_, number) => ({
      name: `m${number}`,
      party: 'mallory',
      blocks: 20,
    }));
    crowd(engine, streams, 0);
    expect(engine.load.bytes).toBe(48 * BLOCK);
    expect(engine.wakeMs).toBe(2000);
    // Alone it may have all of it; with another it loses what it does not read, a stream at a time.
    const honest = crowd(engine, [{ name: 'honest', party: 'honest', blocks: 30 }], 1000);
    expect(honest).toEqual([]);
    const given: number[] = [];
    for (let round = 0; round < 40; round++) {
      const [end, ...others] = engine.handle({ type: 'tick' }, 2000);
      if (!end) break;
      if (end.type !== 'violation') throw new Error(`${end.type} was not expected`);
      expect([end.breach, others]).toEqual(['stalled', []]);
      engine.handle({ type: 'stream-closed', stream: end.stream }, 2000);
      for (let effect = engine.next(2000); effect; effect = engine.next(2000))
        if (effect.type === 'send' && effect.stream === 'honest') given.push(round);
    }
    // As much as a stream may hold, two blocks from each of four streams; the fifth leaves memory for others.
    expect(given).toEqual([0, 0, 1, 1, 2, 2, 3, 3]);
    expect(engine.handle({ type: 'tick' }, 60_000)).toEqual([]);
  });

  it('lets a slow uplink serve many honest downloaders that each hold their share', () => {
    const limits = { maxBytes: 48 * BLOCK, maxStreamBytes: 8 * BLOCK, maxQueued: 100 };
    const engine = new UploadEngine<string, string>({ slots: 256, limits });
    const names = Array.from({ length: 60 }, (_, number) => `d${number}`);
    crowd(
      engine,
      names.map((name) => ({ name, party: name, blocks: 4 })),
      0,
    );
    expect(engine.load.bytes).toBe(48 * BLOCK);
    expect(engine.wakeMs).toBeGreaterThan(60_000);
    expect(engine.handle({ type: 'tick' }, 60_000).filter(({ type }) => type === 'violation')).toEqual([]);
  });

  it('does not take a slow disk for a downloader that reads nothing', () => {
    const limits = { maxBytes: 4 * BLOCK, maxStreamBytes: 2 * BLOCK, maxQueued: 100 };
    const engine = new UploadEngine<string, string>({ slots: 256, limits });
    crowd(
      engine,
      ['a', 'b', 'c'].map((name) => ({ name, party: name, blocks: 4 })),
      0,
      false,
    );
    expect(engine.wakeMs).toBe(Infinity);
    expect(engine.handle({ type: 'tick' }, 60_000)).toEqual([]);
  });

  it('lets nobody stall while there is memory for all', () => {
    const engine = new UploadEngine<string, string>({ slots: 256 });
    crowd(engine, [{ name: 'slow', party: 'slow', blocks: 8 }], 0);
    expect(engine.wakeMs).toBe(Infinity);
    expect(engine.handle({ type: 'tick' }, 60_000)).toEqual([]);
  });

  it('rejects requests of its choice while it is incomplete: it would send unverified pieces', () => {
    const engine = new UploadEngine<string, string>({ slots: 1 });
    const have = Bitfield.full(layout.pieceCount);
    have.clear(3);
    const superSeeding = new SuperSeeding(layout.pieceCount, seededRandom(1));
    const file = { layout, have, share: new RateLimiter(UNLIMITED).share(), superSeeding };
    for (const downloader of ['one', 'two']) {
      engine.handle({ type: 'downloader-joined', downloader, file }, 0);
      const has = Bitfield.empty(layout.pieceCount);
      engine.handle({ type: 'downloader-bitfield', downloader, has }, 0);
    }
    engine.handle({ type: 'stream-opened', stream: 'a', downloader: 'one', takesParts: true }, 0);
    const request = { id: 7, length: BLOCK, any: { modulus: 1, residue: 0 } };
    expect(engine.handle({ type: 'requested', stream: 'a', request }, 0)).toEqual([]);
    expect(engine.next(0)).toEqual({ type: 'reject', stream: 'a', id: 7, reason: 'not-available' });
    have.set(3);
    expect(engine.handle({ type: 'file-completed', file }, 1)).toEqual([
      { type: 'super-seed', downloader: 'one', on: true },
      { type: 'super-seed', downloader: 'two', on: true },
    ]);
    engine.handle({ type: 'requested', stream: 'a', request }, 1);
    expect(engine.next(1)).toMatchObject({ type: 'send', stream: 'a', id: 7 });
  });

  it('answers each request once, within its limits and with pieces that it has, whatever happens', () => {
    const step = fc.tuple(fc.nat(14), fc.nat(100));
    fc.assert(
      fc.property(fc.array(step, { minLength: 20, maxLength: 200 }), fc.nat(), (steps, seed) => {
        const table = new Table(seed);
        table.step(0, 0);
        table.step(3, 0);
        for (const [kind, which] of steps) table.step(kind, which);
        table.settle();
      }),
      { numRuns: 300 },
    );
  });
});
