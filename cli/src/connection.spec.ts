import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { resolveAgent, resolveTrackers } from './connection.js';

describe('the selected agent', () => {
  test('comes from the flag, else the variable, else the socket in the data folder', async () => {
    const environment = { ENJAMBRE_AGENT: 'unix:/run/b.sock', ENJAMBRE_DATA_DIR: '/c' };

    expect(await resolveAgent({ agent: 'unix:/run/a.sock' }, { environment: environment, cwd: '/' })).toEqual(
      {
        address: 'unix:/run/a.sock',
      },
    );
    expect(await resolveAgent({}, { environment: environment, cwd: '/' })).toEqual({
      address: 'unix:/run/b.sock',
    });
    expect(await resolveAgent({}, { environment: { ENJAMBRE_DATA_DIR: '/c' }, cwd: '/' })).toEqual({
      address: 'unix:/c/agent.sock',
    });
    expect(
      await resolveAgent({ dataDir: 'd' }, { environment: { ENJAMBRE_DATA_DIR: '/c' }, cwd: '/x' }),
    ).toEqual({
      address: 'unix:/x/d/agent.sock',
    });
  });

  test('is the one of the default data folder without flags and variables', async () => {
    expect(await resolveAgent({}, { environment: { XDG_DATA_HOME: '/xdg' }, cwd: '/' })).toEqual({
      address: 'unix:/xdg/enjambre/agent.sock',
    });
  });

  test('of a context gives way to a flag or variable that names another, and keeps its token to itself', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'enjambre-context-'));
    const tokenFile = join(folder, 'prod.token');
    await writeFile(tokenFile, 'of-prod\n');
    const context = { source: 'c.yaml: contexts.prod', values: { agent: 'prod:7073', tokenFile } };
    const around = { environment: {}, cwd: '/' };
    expect(await resolveAgent({ context }, around)).toEqual({ address: 'prod:7073', token: 'of-prod' });
    expect(await resolveAgent({ context, dataDir: '/d' }, around)).toEqual({ address: 'unix:/d/agent.sock' });
    const variable = { environment: { ENJAMBRE_DATA_DIR: '/e' }, cwd: '/' };
    expect(await resolveAgent({ context }, variable)).toEqual({ address: 'unix:/e/agent.sock' });
    expect(await resolveAgent({ context, agent: 'other:7073', dataDir: folder }, around)).toEqual({
      address: 'other:7073',
    });
    await rm(folder, { recursive: true });
  });

  test('over TCP takes a token from the flag, the variable or the file in the data folder', async () => {
    const dataDir = await mkdtemp(join(tmpdir(), 'enjambre-token-'));
    await writeFile(join(dataDir, 'control.token'), 'from-file\n');
    const flags = { agent: ':7073', dataDir };

    expect(
      await resolveAgent({ ...flags, token: 't' }, { environment: { ENJAMBRE_TOKEN: 'v' }, cwd: '/' }),
    ).toEqual({
      address: '127.0.0.1:7073',
      token: 't',
    });
    expect(await resolveAgent(flags, { environment: { ENJAMBRE_TOKEN: 'v' }, cwd: '/' })).toMatchObject({
      token: 'v',
    });
    expect(await resolveAgent(flags, { environment: {}, cwd: '/' })).toMatchObject({ token: 'from-file' });
    await writeFile(join(dataDir, 'other.token'), ' other\n');
    const named = { ...flags, tokenFile: 'other.token' };
    expect(await resolveAgent(named, { environment: {}, cwd: dataDir })).toMatchObject({ token: 'other' });
    expect(await resolveAgent({ ...named, token: 't' }, { environment: {}, cwd: dataDir })).toMatchObject({
      token: 't',
    });
    const environment = { ENJAMBRE_TOKEN_FILE: join(dataDir, 'other.token') };
    expect(await resolveAgent(flags, { environment, cwd: '/' })).toMatchObject({ token: 'other' });
    await writeFile(join(dataDir, 'other.token'), '\n');
    await expect(resolveAgent(named, { environment: {}, cwd: dataDir })).rejects.toThrow(
      /--token-file: .*other\.token is empty/,
    );
    await expect(
      resolveAgent({ ...flags, tokenFile: 'none' }, { environment: {}, cwd: dataDir }),
    ).rejects.toThrow(
      /--token-file: cannot read .*\/none \(no such file or directory\): fix its permissions/,
    );
    await rm(dataDir, { recursive: true });
    expect(await resolveAgent(flags, { environment: {}, cwd: '/' })).toEqual({ address: '127.0.0.1:7073' });
  });

  test('has the port of control over TCP if none is named', async () => {
    const around = { environment: { ENJAMBRE_TOKEN: 't' }, cwd: '/' };
    expect(await resolveAgent({ agent: 'first' }, around)).toEqual({ address: 'first:7073', token: 't' });
  });

  test('is refused with the name of the flag or variable', async () => {
    await expect(resolveAgent({ agent: 'no where' }, { environment: {}, cwd: '/' })).rejects.toThrow(
      /^--agent: "no where" is not an address/,
    );
    await expect(resolveAgent({}, { environment: { ENJAMBRE_AGENT: 'x:y' }, cwd: '/' })).rejects.toThrow(
      /^ENJAMBRE_AGENT: /,
    );
    await expect(
      resolveAgent({ dataDir: `/${'x'.repeat(120)}` }, { environment: {}, cwd: '/' }),
    ).rejects.toMatchObject({
      code: 'invalid',
    });
  });
});

describe('the selected tracker', () => {
  test('is queried only if no setting of higher precedence names an agent', () => {
    const environment = { ENJAMBRE_TRACKER: 'b:1, c:2' };

    expect(resolveTrackers({ tracker: 'a:7070', agent: 'unix:/a' }, environment)).toEqual(['a:7070']);
    expect(resolveTrackers({}, environment)).toEqual(['b:1', 'c:2']);
    expect(resolveTrackers({ agent: 'unix:/a' }, environment)).toEqual([]);
    expect(resolveTrackers({ dataDir: '/a' }, environment)).toEqual([]);
    expect(resolveTrackers({}, { ...environment, ENJAMBRE_AGENT: 'unix:/a' })).toEqual([]);
    expect(resolveTrackers({}, {})).toEqual([]);
    expect(resolveTrackers({ tracker: 'a,b:1, [::1]' }, {})).toEqual(['a:7070', 'b:1', '[::1]:7070']);
  });
});
