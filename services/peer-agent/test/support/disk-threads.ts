import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { transformSync } from '@swc/core';
import { DiskPool } from '../../src/adapters/disk/disk-pool.js';

const ROOT = fileURLToPath(new URL('../../../../', import.meta.url));
const SOURCE = 'services/peer-agent/src/adapters/disk/disk.worker.ts';
/** Node finds packages from here, and no tool looks for sources here. */
const CACHE = join(ROOT, 'node_modules/.cache/enjambre-disk-worker');
const IMPORT = /(\bfrom\s*)(['"])(\.{1,2}\/[^'"]+|@enjambre\/core\/[^'"]+)\2/g;

/** The path of a compiled file of the worker. */
const compiledPath = (source: string): string => source.replace(/\.ts$/, '.mjs');

/** The source of an import of the worker; workspace libraries are resolved to their sources as well. */
function sourceOf(specifier: string, importer: string): string {
  const path = specifier.startsWith('.')
    ? join(dirname(importer), specifier)
    : `libs/core/src/${specifier.slice('@enjambre/core/'.length)}`;
  return `${path.replace(/\.js$/, '')}.ts`;
}

/** Strips the types of a file and of all files that it imports, and adds them to `output` by path. */
function strip(source: string, output: Map<string, string>): Map<string, string> {
  if (output.has(compiledPath(source))) return output;
  const { code } = transformSync(readFileSync(join(ROOT, source), 'utf8'), {
    filename: source,
    jsc: { target: 'es2023', parser: { syntax: 'typescript' } },
    module: { type: 'es6' },
  });
  const imported: string[] = [];
  const text = code.replace(IMPORT, (_, from: string, quote: string, specifier: string) => {
    const other = sourceOf(specifier, source);
    imported.push(other);
    return `${from}${quote}./${relative(dirname(source), compiledPath(other))}${quote}`;
  });
  output.set(compiledPath(source), text);
  for (const other of imported) strip(other, output);
  return output;
}

/**
 * The worker, compiled from its current source. A thread runs outside the test runner, which strips the types of
 * everything else: this happens here, once per version of the source, in a folder named by the hash of the result.
 */
function compileWorker(): URL {
  const output = strip(SOURCE, new Map());
  const name = createHash('sha256')
    .update(JSON.stringify([...output]))
    .digest('hex');
  const folder = resolve(CACHE, name);
  if (!existsSync(folder)) {
    mkdirSync(CACHE, { recursive: true });
    const made = mkdtempSync(join(CACHE, 'new-'));
    for (const [path, text] of output) {
      mkdirSync(dirname(join(made, path)), { recursive: true });
      writeFileSync(join(made, path), text);
    }
    try {
      renameSync(made, folder);
    } catch (error) {
      // Another test was faster.
      if (!existsSync(folder)) throw error;
      rmSync(made, { recursive: true });
    }
  }
  return pathToFileURL(join(folder, compiledPath(SOURCE)));
}

const WORKER = compileWorker();

/** The disk threads of an agent that runs from its sources. */
export class TestDiskPool extends DiskPool {
  constructor(size: number) {
    super({ worker: WORKER }, { size });
  }
}
