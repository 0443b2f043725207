import { describe, expect, test } from '@jest/globals';
import { cli } from './harness.js';

test.each([
  [['inspect', ''], /FILE: a path is missing/],
  [['share', ''], /PATH: a path is missing/],
  [['events', '--type', ''], /--type: a pattern is missing/],
  [['peers', ''], /the ref is empty: omit it to list all peers/],
  [['send', '', 'hello'], /the peer is empty: give its name/],
  [['history', ' '], /the peer is empty: give its name/],
])('%j, as from an unset variable, is refused', async (args, message) => {
  const { code, stderr } = await cli(args);
  expect(code).toBe(2);
  expect(stderr).toMatch(message);
});

describe('the command line', () => {
  test('--help lists every command in groups, on standard output', async () => {
    const { code, stdout, stderr } = await cli(['--help']);

    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    for (const name of 'dev tracker agent share get ls status pause resume verify rm files peers shell'.split(
      ' ',
    )) {
      expect(stdout).toMatch(new RegExp(`^  ${name}\\b`, 'm'));
    }
  });

  test('help of a command can be requested in two ways', async () => {
    const { stdout } = await cli(['get', '--help']);

    expect(stdout).toMatch(/^Usage: enjambre get \[options\] <REF\.\.\.>/);
    for (const args of [
      ['help', 'get'],
      ['--json', 'help', 'get'],
      ['--agent', 'help', 'help', 'get'],
    ])
      expect(await cli(args)).toEqual(expect.objectContaining({ code: 0, stdout }));
    expect((await cli(['help'])).stdout).toBe((await cli(['--help'])).stdout);
  });

  test('help of limit explains its use with and without a transfer, and shows examples', async () => {
    const { stdout } = await cli(['help', 'limit']);

    expect(stdout).toContain('Without REF, --max-upload and --max-download apply');
    for (const [, shown] of stdout.matchAll(/^ {2}enjambre (limit.*?)(?: {2}|$)/gm))
      expect((await cli(shown!.split(' '))).stderr).toMatch(/no agent answers|^$/);
    expect(stdout).toContain('enjambre limit model.bin --max-download 500kB');
  });

  test('help of an unknown command is the error of that command', async () => {
    const { code, stdout, stderr } = await cli(['help', 'frob']);

    expect({ code, stdout, stderr }).toEqual({ code: 2, stdout: '', stderr: (await cli(['frob'])).stderr });
    expect(stderr).toMatch(/unknown command 'frob'/);
  });

  test('--version prints the version', async () => {
    expect(await cli(['--version'])).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/),
    });
  });

  test.each([
    [['gte', 'x'], "enjambre: unknown command 'gte' (Did you mean get?): see `enjambre --help`\n"],
    [['get'], "enjambre: missing required argument 'REF': see `enjambre get --help`\n"],
    [['ls', 'x'], expect.stringContaining('too many arguments')],
    [
      ['get', 'x', '--detatch'],
      expect.stringContaining("unknown option '--detatch' (Did you mean --detach?)"),
    ],
    [
      ['limit', '--upload', '1MB'],
      "enjambre: unknown option '--upload' (Did you mean --max-upload?): see `enjambre limit --help`\n",
    ],
    [['get', 'x', '--outputs=y'], expect.stringContaining('(Did you mean --output?)')],
    [['--frob'], "enjambre: unknown option '--frob': see `enjambre --help`\n"],
    [
      ['share', 'x', '--piece-length', 'big'],
      expect.stringContaining('It must be a power of two from 16KiB to 64MiB, such as 256KiB or 1048576'),
    ],
    [['ls', '--agent', 'no where'], expect.stringContaining('--agent: "no where" is not an address')],
    [['shell'], expect.stringContaining('the menu needs a terminal')],
  ])('%p is a usage error, reported in one sentence', async (args, sentence) => {
    const { code, stderr, stdout } = await cli(args);

    expect(code).toBe(2);
    expect(stderr).toEqual(sentence);
    expect(stderr.trimEnd()).not.toContain('\n');
    expect(stdout).toBe('');
  });

  test('no arguments at all shows the help as an error', async () => {
    const { code, stderr } = await cli([]);

    expect(code).toBe(2);
    expect(stderr).toMatch(/^Usage: enjambre/);
    expect(stderr).toMatch(/missing command/);
  });

  test('a usage error with --json is an object, too', async () => {
    const { objects } = await cli(['get', '--json']);

    expect(objects()).toMatchObject([{ type: 'error', reason: 'USAGE', exit_code: 2 }]);
  });

  test.each([
    ['-h', '--help'],
    ['-V', '--version'],
  ])('%s is %s', async (short, long) => {
    expect((await cli([short])).stdout).toBe((await cli([long])).stdout);
    if (long === '--help') expect((await cli(['get', short])).stdout).toBe((await cli(['get', long])).stdout);
  });

  test('version prints more than the number for people and for programs, and with -q as much as --version', async () => {
    const number = (await cli(['--version'])).stdout;
    const { stdout } = await cli(['version']);
    expect(stdout).toMatch(
      new RegExp(`^enjambre ${number.trim()}, Node \\d+\\S+, ${process.platform} ${process.arch}\n$`),
    );
    expect((await cli(['version', '--json'])).objects()).toEqual([
      expect.objectContaining({ type: 'version', version: number.trim(), platform: process.platform }),
    ]);
    expect((await cli(['-q', 'version'])).stdout).toBe(number);
  });

  test('a global flag counts before and after the command; the last one wins', async () => {
    const message = async (...args: string[]): Promise<string> => (await cli(args)).stderr;
    expect(await message('--agent', 'unix:/a', 'ls')).toContain('no agent answers at unix:/a');
    expect(await message('ls', '--agent', 'unix:/a')).toContain('no agent answers at unix:/a');
    expect(await message('--agent', 'unix:/a', 'ls', '--agent', 'unix:/b')).toContain('unix:/b');
    expect(await message('ls', '--agent', 'unix:/a', '--agent', 'unix:/b')).toContain('unix:/b');
    expect(await message('--data-dir', '/a', 'shell')).toContain('the menu needs a terminal');
  });

  test('-v reports on standard error which server is called, and how; -q does not hide errors', async () => {
    const { code, stdout, stderr } = await cli(['-v', 'ls', '-q', '--agent', 'unix:/nowhere.sock']);
    expect({ code, stdout }).toEqual({ code: 4, stdout: '' });
    expect(stderr).toMatch(
      /^agent at unix:\/nowhere\.sock\ncall enjambre\.agent\.v1\.AgentService\/ListTransfers: UNAVAILABLE after \d+ms\nenjambre: no agent answers/,
    );
  });
});
