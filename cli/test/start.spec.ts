import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from '@jest/globals';

const ENJAMBRE = fileURLToPath(new URL('../bin/enjambre.js', import.meta.url));

/** Writes the URL of each module that the process imports to a file, one a line. */
const RECORDER = `
  import { appendFileSync } from 'node:fs';
  let file;
  export const initialize = (data) => { file = data; };
  export const load = (url, context, next) => { appendFileSync(file, url + '\\n'); return next(url, context); };
`;

let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'enjambre-start-'));
});

afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

/** The packages that `enjambre ARGS` loads. */
function packagesOf(...args: readonly string[]): Set<string> {
  const file = join(folder, 'modules');
  rmSync(file, { force: true });
  const register = `import { register } from 'node:module';
    register(${JSON.stringify(dataUrl(RECORDER))}, { data: ${JSON.stringify(file)} });`;
  const { status, stderr } = spawnSync(process.execPath, ['--import', dataUrl(register), ENJAMBRE, ...args], {
    encoding: 'utf8',
    env: { ...process.env, NODE_OPTIONS: '', ENJAMBRE_DATA_DIR: folder },
  });
  if (status !== 0 && status !== 4)
    throw new Error(`enjambre ${args.join(' ')}: ${String(status)}: ${stderr}`);
  const names = [...readFileSync(file, 'utf8').matchAll(/\/node_modules\/((?:@[^/]+\/)?[^/]+)\//g)];
  return new Set(names.map(([, name = '']) => name));
}

function dataUrl(code: string): string {
  return `data:text/javascript,${encodeURIComponent(code)}`;
}

test.each([['--version'], ['--help'], ['get', '--help'], ['limit', '--max-upload', '1kB', '--help']])(
  '%s %s loads the parser of the command line, neither gRPC nor schemas',
  (...args) => {
    const packages = packagesOf(...args);
    expect(packages).toContain('commander');
    for (const large of ['@grpc/grpc-js', '@bufbuild/protobuf', 'zod', 'pino', 'cli-table3'])
      expect(packages).not.toContain(large);
  },
);

test('a command that calls the agent loads gRPC, but neither schemas nor the log of services', () => {
  const packages = packagesOf('ls');
  expect(packages).toContain('@grpc/grpc-js');
  for (const large of ['zod', 'pino', 'pino-pretty', 'nats', 'cloudevents', 'prom-client'])
    expect(packages).not.toContain(large);
});
