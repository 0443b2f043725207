import { generateKeyPairSync } from 'node:crypto';
import { readFile, stat } from 'node:fs/promises';
import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { TestFolder } from '../../../test/support/folder.js';
import { loadControlToken, loadIdentity } from './secrets.js';

let folder: TestFolder;

beforeEach(async () => {
  folder = await TestFolder.make();
});

afterEach(() => folder.remove());

async function modesIn(): Promise<Record<string, string>> {
  const names = await folder.tree();
  const modes = names.map(
    async (name) => [name, ((await stat(folder.at(name))).mode & 0o777).toString(8)] as const,
  );
  return Object.fromEntries(await Promise.all(modes));
}

describe('the secrets of an agent', () => {
  it('are generated at the first start, for their owner only, and stay the same', async () => {
    const [identity, token] = [await loadIdentity(folder.path), await loadControlToken(folder.path)];
    expect(await modesIn()).toEqual({ 'control.token': '600', 'identity.pem': '600' });
    expect((await loadIdentity(folder.path)).peerId).toBe(identity.peerId);
    expect(await loadControlToken(folder.path)).toBe(token);
    expect(token).toMatch(/^[\w-]{43}$/); // 32 random bytes.
  });

  it('differ between agents', async () => {
    const other = await TestFolder.make();
    expect((await loadIdentity(other.path)).peerId).not.toBe((await loadIdentity(folder.path)).peerId);
    expect(await loadControlToken(other.path)).not.toBe(await loadControlToken(folder.path));
    await other.remove();
  });

  it.each([
    ['no key', 'hello'],
    [
      'a key of another kind',
      generateKeyPairSync('x25519').privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
    ],
  ])('refuse an identity file that contains %s, and leave it unchanged', async (_, text) => {
    const path = await folder.write('identity.pem', text);
    await expect(loadIdentity(folder.path)).rejects.toMatchObject({
      code: 'precondition',
      reason: 'BAD_IDENTITY',
      message: expect.stringContaining(path) as unknown as string,
    });
    expect(await readFile(path, 'utf8')).toBe(text);
  });

  it.each(['', '\n', '\0'.repeat(119)])('are generated if their files are empty: %j', async (text) => {
    for (const name of ['identity.pem', 'control.token']) await folder.write(name, text);
    const [identity, token] = [await loadIdentity(folder.path), await loadControlToken(folder.path)];
    expect(await modesIn()).toEqual({ 'control.token': '600', 'identity.pem': '600' });
    expect((await loadIdentity(folder.path)).peerId).toBe(identity.peerId);
    expect(await loadControlToken(folder.path)).toBe(token);
  });

  it.each(['short', 'fifteen-letters'])('refuse a token file that could be guessed: %j', async (text) => {
    await folder.write('control.token', text);
    await expect(loadControlToken(folder.path)).rejects.toMatchObject({ code: 'precondition' });
  });

  it('accept a token that a person put there', async () => {
    const token = 'a-token-of-my-own-that-is-long-enough';
    await folder.write('control.token', `${token}\n`);
    expect(await loadControlToken(folder.path)).toBe(token);
  });
});
