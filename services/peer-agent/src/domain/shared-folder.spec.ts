import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { SharedFolder, type FolderEffect } from './shared-folder.js';

const INIT = { quietMs: 2000, noticeMs: 100, sweepMs: 60_000, retryMs: 30_000, atOnce: 2 };
const share = (name: string): FolderEffect => ({ kind: 'share', name });
const recheck = (name: string): FolderEffect => ({ kind: 'recheck', name });
const withdraw = (name: string): FolderEffect => ({ kind: 'withdraw', name });

describe('SharedFolder', () => {
  it('scans everything first', () => {
    expect(new SharedFolder(INIT).due(0)).toBe('all');
  });

  it('shares an entry that is unchanged for long enough, and no sooner', () => {
    const folder = new SharedFolder(INIT);
    expect(folder.seenAll(new Map([['a', '1']]), [], 0)).toEqual([recheck('a')]);
    expect(folder.nextLookMs).toBe(2000);
    expect(folder.seen('a', '1', 1999)).toEqual([]);
    expect(folder.due(2000)).toEqual(['a']);
    expect(folder.seen('a', '1', 2000)).toEqual([share('a')]);
  });

  it('restarts the wait whenever a file grows, without more checks for all its events', () => {
    const folder = new SharedFolder(INIT);
    folder.seenAll(new Map([['a', '1']]), [], 0);
    for (let atMs = 0; atMs < 2000; atMs += 10) folder.touched('a', atMs);
    expect(folder.due(1999)).toEqual([]);
    expect(folder.seen('a', '2', 2000)).toEqual([recheck('a')]);
    expect(folder.seen('a', '3', 4000)).toEqual([recheck('a')]);
    expect(folder.seen('a', '3', 6000)).toEqual([share('a')]);
  });

  it('soon checks a shared entry that is touched, and does nothing if it is the same', () => {
    const folder = settled('a');
    folder.touched('a', 5000);
    expect(folder.nextLookMs).toBe(5100);
    expect(folder.seen('a', '1', 5100)).toEqual([]);
    expect(folder.nextLookMs).toBe(60_000);
  });

  it('shares changed entries again, and withdraws missing ones', () => {
    const folder = settled('a');
    expect(folder.seen('a', '2', 5000)).toEqual([recheck('a')]);
    expect(folder.seen('a', '2', 7000)).toEqual([share('a')]);
    folder.ended('a', 'settled', 7500);
    expect(folder.seen('a', undefined, 8000)).toEqual([withdraw('a')]);
  });

  it('shares an entry again that vanished and came back as it was', () => {
    const folder = settled('a');
    folder.seen('a', undefined, 5000);
    expect(folder.seen('a', '1', 5010)).toEqual([recheck('a')]);
    expect(folder.seen('a', '1', 7010)).toEqual([share('a')]);
  });

  it('withdraws everything while the folder is missing, and keeps looking for it', () => {
    const folder = settled('a', 'b');
    expect(folder.seenAll(undefined, ['a', 'b', 'c'], 5000)).toEqual(['a', 'b', 'c'].map(withdraw));
    expect(folder.nextLookMs).toBe(7000);
  });

  it('withdraws offered content that vanished unobserved', () => {
    const folder = new SharedFolder(INIT);
    expect(folder.seenAll(new Map([['here', '1']]), ['gone', 'here'], 0)).toEqual([
      withdraw('gone'),
      recheck('here'),
    ]);
  });

  it('decides nothing while the folder cannot be read', () => {
    const folder = settled('a');
    folder.touched('a', 4000);
    folder.unreadable(5000);
    expect(folder.nextLookMs).toBe(65_000);
  });

  it('shares a few at a time, and the next when one has ended', () => {
    const folder = new SharedFolder(INIT);
    const looks = new Map(['a', 'b', 'c'].map((name) => [name, '1']));
    folder.seenAll(looks, [], 0);
    expect(folder.seenAll(looks, [], 2000)).toEqual([share('a'), share('b')]);
    expect(folder.ended('b', 'settled', 3000)).toEqual([share('c')]);
  });

  it('does not treat an entry as settled that changed while it was shared, even if it changed back', () => {
    const folder = sharing('a');
    expect(folder.seen('a', '2', 3000)).toEqual([recheck('a')]);
    expect(folder.seen('a', '1', 3100)).toEqual([recheck('a')]);
    expect(folder.ended('a', 'settled', 3200)).toEqual([]);
    expect(folder.seen('a', '1', 5100)).toEqual([share('a')]);
  });

  it('shares an entry that has waited long enough as soon as outdated work on it has ended', () => {
    const folder = sharing('a');
    folder.seen('a', '2', 3000);
    expect(folder.seen('a', '2', 5000)).toEqual([]);
    expect(folder.ended('a', 'settled', 6000)).toEqual([share('a')]);
  });

  it('withdraws an entry once more that vanished while it was shared', () => {
    const folder = sharing('a');
    expect(folder.seen('a', undefined, 3000)).toEqual([withdraw('a')]);
    expect(folder.ended('a', 'settled', 4000)).toEqual([withdraw('a')]);
    expect(folder.seen('a', '1', 5000)).toEqual([recheck('a')]);
  });

  it.each([
    ['changed', 2000],
    ['failed', 30_000],
  ] as const)('tries again what %s, after a while', (outcome, waitMs) => {
    const folder = sharing('a');
    expect(folder.ended('a', outcome, 3000)).toEqual([]);
    expect(folder.nextLookMs).toBe(3000 + waitMs);
    expect(folder.seen('a', '1', 2999 + waitMs)).toEqual([]);
    expect(folder.seen('a', '1', 3000 + waitMs)).toEqual([share('a')]);
  });
});

function sharing(...names: string[]): SharedFolder {
  const folder = new SharedFolder(INIT);
  const looks = new Map(names.map((name) => [name, '1']));
  folder.seenAll(looks, [], 0);
  for (const name of names) folder.seen(name, '1', 2000);
  return folder;
}

function settled(...names: string[]): SharedFolder {
  const folder = sharing(...names);
  for (const name of names) folder.ended(name, 'settled', 2500);
  return folder;
}

/** A change in a folder. `told`: the system reports it. */
type Happening = { readonly afterMs: number; readonly told: boolean } & (
  | { readonly what: 'write'; readonly name: string; readonly version: number }
  | { readonly what: 'remove'; readonly name: string }
  | { readonly what: 'vanish' | 'return' }
);

const name = fc.constantFrom('a', 'b', 'c', 'd');
const when = { afterMs: fc.oneof(fc.nat(300), fc.nat(6000)), told: fc.boolean() };
const happening: fc.Arbitrary<Happening> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ ...when, what: fc.constant('write'), name, version: fc.nat(3) }) },
  { weight: 2, arbitrary: fc.record({ ...when, what: fc.constant('remove'), name }) },
  { weight: 1, arbitrary: fc.record({ ...when, what: fc.constantFrom('vanish', 'return') }) },
);

interface Job {
  readonly name: string;
  readonly look: string | undefined;
  readonly endMs: number;
}

/** A model of a folder, its sharer, and a clock. */
class World {
  private readonly folder = new SharedFolder(INIT);
  readonly offered = new Map<string, string>();
  readonly #files = new Map<string, { look: string; sinceMs: number }>();
  readonly #jobs: Job[] = [];
  #isThere = true;
  nowMs = 0;

  constructor(private readonly workMs: (share: number) => number) {}

  get disk(): Map<string, string> {
    return new Map(this.#isThere ? [...this.#files].map(([file, { look }]) => [file, look]) : []);
  }

  happen(event: Happening): void {
    this.runUntil(this.nowMs + event.afterMs);
    if (event.what === 'write') this.#write(event.name, String(event.version));
    if (event.what === 'remove') this.#files.delete(event.name);
    if (event.what === 'vanish') this.#isThere = false;
    if (event.what === 'return') this.#isThere = true;
    if (!event.told) return;
    if ('name' in event) this.folder.touched(event.name, this.nowMs);
    else this.folder.touchedAll(this.nowMs);
  }

  runUntil(endMs: number): void {
    for (;;) {
      const job = [...this.#jobs].sort((a, b) => a.endMs - b.endMs)[0];
      const nextMs = Math.max(this.nowMs, Math.min(this.folder.nextLookMs, job?.endMs ?? Infinity));
      if (nextMs > endMs) break;
      this.nowMs = nextMs;
      if (job && job.endMs <= nextMs) this.#end(job);
      else this.#look();
    }
    this.nowMs = endMs;
  }

  #write(file: string, look: string): void {
    if (this.#files.get(file)?.look !== look) this.#files.set(file, { look, sinceMs: this.nowMs });
  }

  #look(): void {
    const due = this.folder.due(this.nowMs);
    if (due === 'all') {
      const looks = this.#isThere ? this.disk : undefined;
      this.#do(this.folder.seenAll(looks, this.offered.keys(), this.nowMs));
    } else for (const file of due) this.#do(this.folder.seen(file, this.disk.get(file), this.nowMs));
  }

  #do(effects: readonly FolderEffect[]): void {
    for (const { kind, name: file } of effects) {
      if (kind === 'withdraw') this.offered.delete(file);
      else if (kind === 'recheck') this.#recheck(file);
      else {
        expect(this.#jobs.map((job) => job.name)).not.toContain(file);
        const endMs = this.nowMs + this.workMs(this.#jobs.length + this.offered.size);
        this.#jobs.push({ name: file, look: this.disk.get(file), endMs });
        expect(this.#jobs.length).toBeLessThanOrEqual(INIT.atOnce);
      }
    }
  }

  #recheck(file: string): void {
    if (this.offered.get(file) !== this.disk.get(file)) this.offered.delete(file);
  }

  /** Like the real sharer: content that changed since the start is not offered. */
  #end(job: Job): void {
    this.#jobs.splice(this.#jobs.indexOf(job), 1);
    const isSame = job.look !== undefined && this.disk.get(job.name) === job.look;
    if (isSame) this.offered.set(job.name, job.look);
    this.#do(this.folder.ended(job.name, isSame ? 'settled' : 'changed', this.nowMs));
  }
}

describe('a shared folder, whatever happens to it', () => {
  it('ends up offering exactly its content, whether changes are reported or not', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 25 }), fc.nat(5000), (happenings, workMs) => {
        const world = new World((share) => (share % 2 === 0 ? workMs : workMs / 10));
        for (const event of happenings) world.happen(event);
        world.runUntil(world.nowMs + INIT.sweepMs + 4 * (INIT.quietMs + 5000) + 10_000);
        expect(world.offered).toEqual(world.disk);
      }),
      { numRuns: 500 },
    );
  });

  it('soon offers its content, if all changes are reported', () => {
    fc.assert(
      fc.property(fc.array(happening, { maxLength: 15 }), (happenings) => {
        const world = new World(() => 0);
        for (const event of happenings) world.happen({ ...event, told: true });
        world.runUntil(world.nowMs + INIT.noticeMs + 2 * INIT.quietMs);
        expect(world.offered).toEqual(world.disk);
      }),
    );
  });

  it('never offers a file that is still growing', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(INIT.quietMs - 1), { minLength: 1, maxLength: 40 }), (gaps) => {
        const world = new World(() => 0);
        gaps.forEach((afterMs, version) => {
          world.happen({ afterMs, told: version % 3 > 0, what: 'write', name: 'a', version: version + 10 });
          expect(world.offered.size).toBe(0);
        });
        world.runUntil(world.nowMs + 2 * INIT.quietMs + INIT.noticeMs + INIT.sweepMs);
        expect(world.offered).toEqual(world.disk);
      }),
    );
  });
});
