import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createLogger } from '../log/logger.js';
import { operatorAuthorization, OperatorToken } from './operator-token.js';

const log = createLogger({ name: 'test', level: 'silent' });
const metadata = (...given: unknown[]) => ({ get: () => given });

describe('the token of the operator', () => {
  let folder: string;
  let file: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'enjambre-operator-'));
    file = join(folder, 'state', 'operator.token');
  });

  afterEach(() => rm(folder, { recursive: true, force: true }));

  const started = async (): Promise<OperatorToken> => {
    const token = new OperatorToken({ log }, file);
    await token.start();
    return token;
  };

  test('is created for its owner only, once, even by several services at a time', async () => {
    const tokens = await Promise.all([...Array(8).keys()].map(started));
    expect(new Set(tokens.map(({ authorization }) => authorization)).size).toBe(1);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readdir(join(folder, 'state'))).toEqual(['operator.token']);
    expect((await started()).authorization).toBe(tokens[0]!.authorization);
  });

  test('is accepted as a bearer, and nothing else is', async () => {
    const token = await started();
    const { authorization = '' } = token;
    expect(token.isPresentedIn(metadata('Bearer other', authorization))).toBe(true);
    for (const wrong of [[], [''], ['Bearer '], [`${authorization}x`], [authorization.slice(7)], [undefined]])
      expect(token.isPresentedIn(metadata(...wrong))).toBe(false);
  });

  test.each(['', 'short', 'a token with blanks in it', 'x'.repeat(129)])(
    'is not taken from a file with %p: then there is no operator',
    async (text) => {
      file = join(folder, 'operator.token');
      await writeFile(file, text);
      const token = await started();
      expect(token.authorization).toBeUndefined();
      expect(token.isPresentedIn(metadata(undefined, 'Bearer undefined', `Bearer ${text}`))).toBe(false);
      expect(await readFile(file, 'utf8')).toBe(text);
    },
  );

  test('without a place for it there is no operator, and the service starts', async () => {
    await writeFile(join(folder, 'state'), 'a file, not a folder');
    expect((await started()).authorization).toBeUndefined();
    const homeless = new OperatorToken({ log }, undefined);
    await homeless.start();
    expect(homeless.authorization).toBeUndefined();
  });

  test('is presented to services on this machine only', async () => {
    const { authorization } = await started();
    expect(await operatorAuthorization('127.0.0.1:7070', file)).toBe(authorization);
    expect(await operatorAuthorization('localhost:7070', file)).toBe(authorization);
    expect(await operatorAuthorization('192.0.2.7:7070', file)).toBeUndefined();
    expect(await operatorAuthorization('tracker.example:7070', file)).toBeUndefined();
    expect(await operatorAuthorization('127.0.0.1:7070', join(folder, 'none'))).toBeUndefined();
    expect(await operatorAuthorization('127.0.0.1:7070', undefined)).toBeUndefined();
  });
});
