// Compiles what `make demo` runs, file by file and without checking types: tools/transpile.mjs. It takes a second where
// tsc takes half a minute. Without a .tsbuildinfo, the next `tsc -b` builds everything as in a new clone.
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const inside = (folder) => readdirSync(join(ROOT, folder)).map((name) => `${folder}/${name}`);

for (const folder of [...inside('libs'), ...inside('services'), 'cli', 'demo']) {
  const sources = readdirSync(join(ROOT, folder, 'src'), { recursive: true })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.spec.ts'))
    .map((name) => join(folder, 'src', name));
  await build({
    absWorkingDir: ROOT,
    entryPoints: sources,
    outbase: join(folder, 'src'),
    outdir: join(folder, 'dist'),
    format: 'esm',
    sourcemap: true,
    logLevel: 'warning',
  });
}
