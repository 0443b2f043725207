import { mkdir, writeFile } from 'node:fs/promises';
import { cpus, release, totalmem } from 'node:os';
import { fileURLToPath } from 'node:url';
import Table from 'cli-table3';

const RESULTS = fileURLToPath(new URL('../results/', import.meta.url));

export interface TableData {
  readonly head: readonly string[];
  readonly rows: readonly (readonly string[])[];
}

export interface Report {
  /** Its name: the file is `bench/results/NAME.json`. */
  readonly benchmark: string;
  /** One line that says what was measured. */
  readonly about: string;
  readonly tables: readonly TableData[];
  /** Notes for the reader of the tables, one line each. */
  readonly notes?: readonly string[];
  /** All measurements, as JSON. */
  readonly data: Readonly<Record<string, unknown>>;
}

/**
 * Prints tables, and the same as JSON: one object in the last line, and in
 * a file of `bench/results/`, which the next run overwrites.
 */
export async function report({ benchmark, about, tables, notes = [], data }: Report): Promise<void> {
  const json = JSON.stringify({ benchmark, at: new Date().toISOString(), machine: machine(), ...data });
  await mkdir(RESULTS, { recursive: true });
  await writeFile(`${RESULTS}${benchmark}.json`, `${json}\n`);
  process.stdout.write(`${[about, ...tables.map(draw), ...notes, json].join('\n')}\n`);
}

/** Reports progress on standard error. */
export function progress(line: string): void {
  process.stderr.write(`${line}\n`);
}

function draw({ head, rows }: TableData): string {
  const table = new Table({ head: [...head], style: { head: [], border: [] } });
  for (const row of rows) table.push([...row]);
  return table.toString();
}

function machine(): Record<string, unknown> {
  return {
    cpus: cpus().length,
    cpu: cpus()[0]?.model,
    memoryMiB: Math.round(totalmem() / (1 << 20)),
    kernel: release(),
    node: process.version,
  };
}
