import { readFile, rm, writeFile } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { waitFor } from '@enjambre/harness/wait-for';
import { Bitfield } from '@enjambre/core/bitfield';
import fc from 'fast-check';
import { TestFolder } from '../../../test/support/folder.js';
import { FileProgressLog } from './progress-log.js';

const PIECES = 40;
let folder: TestFolder;

beforeEach(async () => {
  folder = await TestFolder.make();
});

afterEach(() => folder.remove());

function open(): FileProgressLog {
  return new FileProgressLog(folder.at('transfer'));
}

function bits(pieces: Iterable<number>): Bitfield {
  const bitfield = Bitfield.empty(PIECES);
  for (const piece of pieces) bitfield.set(piece);
  return bitfield;
}

async function load(
  log = open(),
  pieceCount = PIECES,
): Promise<{ have: Bitfield; unsure: readonly number[] }> {
  const loaded = await log.load(pieceCount);
  if (!loaded) throw new Error('what was saved cannot be read');
  return loaded;
}

/** What the next process finds. */
async function found(): Promise<{ have: number[]; unsure: number[] }> {
  const { have, unsure } = await load();
  return { have: [...have.indexes()], unsure: [...unsure].sort((a, b) => a - b) };
}

describe('FileProgressLog', () => {
  it('knows nothing of a new download', async () => {
    expect(await found()).toEqual({ have: [], unsure: [] });
  });

  it('is sure of saved pieces', async () => {
    const log = open();
    await log.save(bits([0, 7, 39]));
    expect(await found()).toEqual({ have: [0, 7, 39], unsure: [] });
  });

  it('knows a piece that was only noted, but not for sure, without being closed', async () => {
    const log = open();
    log.note(5);
    log.note(6);
    const unsure = await waitFor(async () => ((await found()).unsure.length === 2 ? found() : undefined), {
      what: 'the notes',
    });
    expect(unsure).toEqual({ have: [], unsure: [5, 6] });
    await log.close();
  });

  it('keeps pieces noted during and after a save', async () => {
    const log = open();
    log.note(1);
    const saving = log.save(bits([1]));
    log.note(2);
    await saving;
    log.note(3);
    await log.close();
    expect(await found()).toEqual({ have: [1], unsure: [2, 3] });
  });

  it('keeps pieces verified while a claim was being saved, even if the next save fails', async () => {
    const log = open();
    const claim = bits([1]);
    log.note(1);
    log.note(2); // Verified after the claim was taken.
    await log.save(claim);
    // No file can replace a non-empty folder.
    const [saved] = (await folder.tree()).filter((name) => !name.includes('journal'));
    const kept = await readFile(folder.at(saved!));
    await rm(folder.at(saved!));
    await folder.write(`${saved!}/in the way`, '');
    await expect(log.save(bits([1, 2]))).rejects.toThrow();
    await log.close();
    await rm(folder.at(saved!), { recursive: true });
    await writeFile(folder.at(saved!), kept);
    expect(await found()).toEqual({ have: [1], unsure: [2] });
  });

  it('lists as unsure no piece that it is sure of, or that does not exist', async () => {
    const log = open();
    for (const piece of [1, 1, 2, PIECES, 4_000_000_000]) log.note(piece);
    await log.save(bits([1]));
    await log.close();
    expect(await found()).toEqual({ have: [1], unsure: [2] });
  });

  it('rejects saved progress for another number of pieces, and reports it', async () => {
    const log = open();
    await log.save(bits([1, 2]));
    expect(await open().load(PIECES + 9)).toBeUndefined();
  });

  it('reports torn progress, so that the disk itself is checked', async () => {
    await open().save(bits([1, 2]));
    const [name] = await folder.tree();
    const bytes = await readFile(folder.at(name!));
    for (const length of [1, 31, 33, bytes.length - 1]) {
      await writeFile(folder.at(name!), bytes.subarray(0, length));
      expect(await open().load(PIECES)).toBeUndefined();
    }
  });

  it('never fails whatever its files contain, and never lists a piece that does not exist', async () => {
    const content = fc.uint8Array({ maxLength: 200 });
    await fc.assert(
      fc.asyncProperty(content, content, async (bitfield, journal) => {
        await folder.write('transfer.bitfield', bitfield);
        await folder.write('transfer.journal', journal);
        const loaded = await open().load(PIECES);
        expect(loaded?.unsure.every((piece) => piece < PIECES) ?? true).toBe(true);
        // No random bytes end in their own checksum.
        expect(loaded?.have.count ?? 0).toBe(0);
      }),
      { numRuns: 60 },
    );
  });

  it('reads entries behind one that a killed process or a full disk cut short', async () => {
    await folder.write('transfer.journal', Buffer.from([1, 0, 0, 0, 2, 0]));
    const log = open();
    log.note(3);
    await log.close();
    expect(await found()).toEqual({ have: [], unsure: [1, 3] });
  });

  it.each(['removed', 'cleared'])('forgets everything when %s, and can start again', async (how) => {
    const log = open();
    log.note(1);
    await log.save(bits([1]));
    log.note(2);
    await (how === 'removed' ? log.remove() : log.clear());
    expect(await folder.tree()).toEqual([]);
    log.note(3);
    await log.close();
    expect(await found()).toEqual({ have: [], unsure: [3] });
  });

  it('resumes where the previous process stopped', async () => {
    for (const piece of [1, 2, 3]) {
      const log = open();
      const { have, unsure } = await load(log);
      for (const before of unsure) have.set(before);
      await log.save(have);
      log.note(piece);
      await log.close();
    }
    expect(await found()).toEqual({ have: [1, 2], unsure: [3] });
  });

  it('is never sure of a piece that was not saved, whatever happened to its files', async () => {
    const piece = fc.nat(PIECES - 1);
    const damage = fc.record({ file: fc.nat(5), at: fc.nat(80), cut: fc.boolean(), byte: fc.nat(255) });
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(piece),
        fc.array(piece),
        damage,
        async (saved, noted, { file, at, cut, byte }) => {
          await folder.remove();
          folder = await TestFolder.make();
          const log = open();
          await log.save(bits(saved));
          for (const one of noted) log.note(one);
          await log.close();
          const files = await folder.tree();
          const victim = folder.at(files[file % files.length]!);
          const bytes = await readFile(victim);
          if (cut) await writeFile(victim, bytes.subarray(0, Math.max(0, bytes.length - 1 - at)));
          else bytes[at % Math.max(1, bytes.length)] = byte;
          if (!cut) await writeFile(victim, bytes);
          const loaded = await open().load(PIECES);
          const have = [...(loaded?.have.indexes() ?? [])];
          const unsure = loaded?.unsure ?? [];
          expect(have.filter((one) => !saved.includes(one))).toEqual([]);
          expect(unsure.every((one) => one < PIECES)).toBe(true);
        },
      ),
      { numRuns: 40 },
    );
  });

  it('loses no verified piece, and is never wrongly sure of one, through any sequence of notes, saves and restarts', async () => {
    const step = fc.oneof(
      { weight: 5, arbitrary: fc.record({ do: fc.constant('note' as const), piece: fc.nat(PIECES - 1) }) },
      {
        weight: 3,
        arbitrary: fc.constantFrom(
          { do: 'flush' as const },
          { do: 'save' as const },
          { do: 'yield' as const },
        ),
      },
      { weight: 1, arbitrary: fc.constant({ do: 'restart' as const }) },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        await folder.remove();
        folder = await TestFolder.make();
        const life = new ModelLife(open());
        for (const act of steps) {
          if (act.do === 'note') life.note(act.piece);
          else await life[act.do]();
        }
        await life.restart();
      }),
      { numRuns: 60 },
    );
  });
});

/** A download as its log sees it: one checkpoint after another, while pieces are still being verified. */
class ModelLife {
  readonly #verified = new Set<number>();
  readonly #claimed = new Set<number>();
  /** Pieces verified when a checkpoint started to flush the data; saved somewhat later. */
  #claim: Bitfield | undefined;
  #saving: Promise<void> = Promise.resolve();

  constructor(private log: FileProgressLog) {}

  note(piece: number): void {
    this.#verified.add(piece);
    this.log.note(piece);
  }

  async flush(): Promise<void> {
    await this.#saving;
    this.#claim = bits(this.#verified);
  }

  save(): Promise<void> {
    const claim = this.#claim;
    this.#claim = undefined;
    for (const piece of claim?.indexes() ?? []) this.#claimed.add(piece);
    if (claim) this.#saving = this.log.save(claim);
    return Promise.resolve();
  }

  yield(): Promise<void> {
    return new Promise((resolve) => setImmediate(resolve));
  }

  async restart(): Promise<void> {
    await this.#saving;
    await this.log.close();
    this.#claim = undefined;
    this.log = open();
    const { have, unsure } = await load(this.log);
    expect([...have.indexes()].filter((piece) => !this.#claimed.has(piece))).toEqual([]);
    for (const piece of unsure) have.set(piece);
    expect(new Set(have.indexes())).toEqual(this.#verified);
    for (const piece of have.indexes()) this.#claimed.add(piece);
    await this.log.save(have);
  }
}
