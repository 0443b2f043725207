import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Coverage, UNGUIDED, type Guide } from './coverage.js';
import { Fuzzer, type FuzzResult } from './fuzzer.js';
import type { FuzzTarget } from './target.js';
/** `make fuzz` sets them. */
const { FUZZ_INPUTS, FUZZ_SEED, FUZZ_TARGET } = process.env;
const INPUTS = Number(FUZZ_INPUTS ?? 2000);
const SEED = Number(FUZZ_SEED ?? 1);
/** No input may hold up the event loop for longer. The short form runs beside other tests, and measures nothing. */
const MAX_MS = FUZZ_INPUTS === undefined ? undefined : 50;
const TIMEOUT_MS = 3_600_000;
/** Inputs that once broke a target, as `make fuzz` leaves them: commit them, and every run tries them again. */
const FOUND = join(import.meta.dirname, 'found');

function foundFor(name: string): Buffer[] {
  if (!existsSync(FOUND)) return [];
  const files = readdirSync(FOUND).filter(
    (file) => file.startsWith(`${name}-`) && /^[0-9a-f]{12}$/.test(file.slice(name.length + 1)),
  );
  return files.map((file) => readFileSync(join(FOUND, file)));
}

function keep(name: string, { failures }: FuzzResult): void {
  if (failures.length > 0) mkdirSync(FOUND, { recursive: true });
  for (const { input } of failures) {
    const digits = createHash('sha256').update(input).digest('hex').slice(0, 12);
    writeFileSync(join(FOUND, `${name}-${digits}`), input);
  }
}

/** Runs each target, and reports what it did if `make fuzz` asks for it. */
export function fuzz(title: string, all: readonly FuzzTarget[]): void {
  const targets = all.filter(({ name }) => (FUZZ_TARGET ?? name).split(',').includes(name));
  describe(title, () => {
    let measured: Coverage | undefined;
    let coverage: Guide = UNGUIDED;
    const lines: string[] = [];

    beforeAll(() => {
      // `make test` runs the inputs alone.
      if (FUZZ_INPUTS === undefined) return;
      measured = new Coverage((url) => /\/(libs|services)\/[^/]+\/src\//.test(url) && !url.includes('/gen/'));
      coverage = measured;
    });

    afterAll(() => {
      measured?.stop();
      if (FUZZ_INPUTS !== undefined) process.stdout.write(`${lines.join('\n')}\n`);
    });

    it.each(targets)(
      '$name refuses or reads each of its inputs',
      async (target) => {
        const before = coverage.characters;
        const startMs = performance.now();
        const seeds = [...target.seeds, ...foundFor(target.name)];
        const result = await new Fuzzer(
          { ...target, seeds },
          { inputs: INPUTS, seed: SEED, maxMs: MAX_MS, coverage },
        ).run();
        if (FUZZ_INPUTS !== undefined) keep(target.name, result);
        const seconds = (performance.now() - startMs) / 1000;
        lines.push(
          `${target.name.padEnd(18)} ${result.inputs} inputs, ${result.taken} taken, corpus ${result.corpus}, ` +
            `${coverage.characters - before} characters of code, slowest ${result.slowestMs.toFixed(1)} ms, ${seconds.toFixed(0)} s`,
        );
        expect(
          result.failures.map(({ input, fault }) => `${input.toString('base64').slice(0, 300)}: ${fault}`),
        ).toEqual([]);
        // Mutations keep inputs valid often enough to reach what lies behind the first check.
        expect(result.taken).toBeGreaterThanOrEqual(target.seeds.length);
        expect(result.inputs).toBeGreaterThanOrEqual(INPUTS);
      },
      TIMEOUT_MS,
    );
  });
}
