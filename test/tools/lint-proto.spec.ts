import { spawnSync } from 'node:child_process';
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, jest, test } from '@jest/globals';

jest.setTimeout(60_000);

const ROOT = fileURLToPath(new URL('../../', import.meta.url));
const TRACKER = 'proto/enjambre/tracker/v1/tracker.proto';

let root: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'enjambre-lint-'));
  cpSync(join(ROOT, 'proto'), join(root, 'proto'), { recursive: true });
  cpSync(join(ROOT, 'tools/lint-proto.sh'), join(root, 'tools/lint-proto.sh'));
});

afterEach(() => {
  rmSync(root, { recursive: true, force: true });
});

/** Ignores the user's git settings and any repository around this one. */
const environment = {
  PATH: `${join(ROOT, 'node_modules/.bin')}:${process.env['PATH'] ?? ''}`,
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_CEILING_DIRECTORIES: tmpdir(),
  BUF_CACHE_DIR: tmpdir(),
};

function run(program: string, args: readonly string[], env: Record<string, string> = {}, cwd = root) {
  const result = spawnSync(program, args, { cwd, encoding: 'utf8', env: { ...environment, ...env } });
  return { code: result.status, said: `${result.stdout}${result.stderr}` };
}

function git(...args: string[]): void {
  const { code, said } = run('git', ['-c', 'user.name=t', '-c', 'user.email=t@localhost', ...args]);
  if (code !== 0) throw new Error(said);
}

function commit(): void {
  git('add', '-A');
  git('commit', '-q', '--allow-empty', '-m', 'a commit');
}

function edit(from: RegExp | string, to: string): void {
  const text = readFileSync(join(root, TRACKER), 'utf8');
  const changed = text.replace(from, to);
  expect(changed).not.toBe(text);
  writeFileSync(join(root, TRACKER), changed);
}

const lint = (env: Record<string, string> = {}, cwd = root) => run('tools/lint-proto.sh', [], env, cwd);
const removeField = (): void => edit(/ {2}\/\/ The tracker's clock\.\n.* time = 4;\n/, '');

describe('the lint of protos', () => {
  test('catches a removed field on a branch, any number of commits ago', () => {
    git('init', '-q', '-b', 'main');
    commit();
    git('checkout', '-q', '-b', 'work');
    removeField();
    expect(lint()).toMatchObject({ code: 1, said: expect.stringMatching(/field "4".*"time".*was deleted/) });
    commit();
    commit();
    expect(lint().code).toBe(1);
    expect(lint({ PROTO_BASE: 'HEAD~1' }).code).toBe(0);
  });

  test('catches a removed field on main, since the last tag', () => {
    git('init', '-q', '-b', 'main');
    commit();
    git('tag', 'v1');
    removeField();
    commit();
    expect(lint()).toMatchObject({ code: 1, said: expect.stringMatching(/"time".*was deleted/) });
    commit();
    expect(lint().code).toBe(1);
  });

  test('lets protos grow', () => {
    git('init', '-q', '-b', 'main');
    commit();
    edit(
      '  google.protobuf.Timestamp time = 4;\n',
      '  google.protobuf.Timestamp time = 4;\n  // New.\n  string news = 1000;\n',
    );
    commit();
    expect(lint()).toEqual({ code: 0, said: '' });
  });

  test('reports that there is nothing to compare with', () => {
    expect(lint()).toMatchObject({ code: 0, said: expect.stringContaining('not a git repository') });
    git('init', '-q', '-b', 'main');
    commit();
    expect(lint()).toMatchObject({ code: 0, said: expect.stringContaining('there is no earlier commit') });
    commit();
    git('clone', '-q', '--depth', '1', `file://${root}`, 'shallow');
    const cwd = join(root, 'shallow');
    expect(lint({}, cwd)).toMatchObject({ code: 0, said: expect.stringContaining('git fetch --unshallow') });
    expect(lint({ PROTO_BASE: 'v9' })).toMatchObject({
      code: 1,
      said: expect.stringContaining('commit v9 (PROTO_BASE) does not exist here'),
    });
  });
});
