import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { TransferState, type Transfer } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { File, SwarmMember } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { columnsOf } from '../src/render/text.js';
import { FakeAgent, transferOf } from './fake-agent.js';
import { cli, type CliOptions, type CliResult } from './harness.js';

const LONG = 'checkpoint-at-step-100000-with-the-state-of-the-optimizer-and-all-else.safetensors';

const transfer = (name: string, digit: string, fields: Partial<Transfer> = {}): Transfer =>
  transferOf({ name, infohash: digit.repeat(64), ...fields });

const transfers = [
  transfer('b10', 'b', { sizeBytes: 5n, doneBytes: 5n }),
  transfer(LONG, 'a', { sizeBytes: 3_000_000_000n, doneBytes: 1n, state: TransferState.DOWNLOADING }),
  transfer('b9', 'c', { sizeBytes: 70n, doneBytes: 35n, state: TransferState.PAUSED }),
];

let agent: FakeAgent;

beforeEach(async () => {
  agent = await FakeAgent.start({ transfers: () => transfers });
});

afterEach(() => agent.stop());

function on(args: readonly string[], options: CliOptions = {}): Promise<CliResult> {
  return cli([...args, '--agent', agent.address], options);
}

const firstWords = (stdout: string): string[] =>
  stdout
    .trimEnd()
    .split('\n')
    .slice(1)
    .map((line) => line.split(' ')[0] ?? '');

describe('a list', () => {
  test('fits the terminal, is complete with --wide and in a pipe', async () => {
    const { stdout } = await on(['ls'], { columns: 80 });
    for (const line of stdout.split('\n')) expect(columnsOf(line)).toBeLessThanOrEqual(80);
    expect(stdout).toMatch(/^checkpoint-at-step\S*… {2}downloading/m);
    expect(stdout).not.toContain('PATH');

    const wide = (await on(['ls', '--wide'], { columns: 80 })).stdout;
    expect(wide).toContain(`${LONG}  downloading`);
    expect(wide).toMatch(/PATH .*ADDED/);
    expect((await on(['ls'])).stdout).toBe(wide);
  });

  test.each(['files', 'peers'])('%s fits 80 columns too', async (command) => {
    const peer = { id: 'b'.repeat(64), name: LONG, endpoint: '192.168.100.200:7072', seedingCount: 3 };
    agent.script.files = () => ({
      files: [
        File.fromPartial({
          name: LONG,
          sizeBytes: 10n ** 12n,
          publisherName: LONG,
          infohash: 'a'.repeat(64),
        }),
      ],
      nextPageToken: '',
    });
    agent.script.peers = () => ({
      members: [
        SwarmMember.fromPartial({ peer: { ...peer, connectedAt: new Date(), labels: { zone: LONG } } }),
      ],
      nextPageToken: '',
      banned: {},
    });
    const { stdout } = await on([command], { columns: 80 });
    for (const line of stdout.split('\n')) expect(columnsOf(line)).toBeLessThanOrEqual(80);
    expect(stdout.trimEnd().split('\n')).toHaveLength(2);
    if (command === 'peers') expect(stdout).toContain(' 192.168.100.200:7072 ');
  });

  test('shows the columns that --columns names, in that order', async () => {
    expect((await on(['ls', '--columns', 'infohash, name'])).stdout).toBe(
      `INFOHASH  NAME\nbbbbbbbb  b10\naaaaaaaa  ${LONG}\ncccccccc  b9\n`,
    );
  });

  test.each([
    ['size', ['b10', 'b9', LONG]],
    ['size:desc', [LONG, 'b9', 'b10']],
    ['name', ['b9', 'b10', LONG]],
    ['done:asc', [LONG, 'b9', 'b10']],
    ['path', ['b10', LONG, 'b9']],
  ])('is sorted by the value of a column with --sort %s, also with --json and -q', async (column, names) => {
    expect(firstWords((await on(['ls', '--sort', column])).stdout)).toEqual(names);
    const json = (await on(['ls', '--json', '--sort', column])).objects();
    expect(json.map(({ name }) => name)).toEqual(names);
    expect((await on(['ls', '-q', '--sort', column])).stdout).toBe(
      `${json.map(({ infohash }) => infohash).join('\n')}\n`,
    );
  });

  test.each([[['ls', '--columns', 'frob']], [['ls', '--sort', 'frob']], [['files', '--columns', 'frob']]])(
    '%j is refused with the columns that its help names',
    async (args) => {
      agent.script.files = () => ({ files: [], nextPageToken: '' });
      const { code, stderr } = await on(args);
      expect(code).toBe(2);
      const [, names = ''] = /there is no column "frob": choose from (.*)\n/.exec(stderr) ?? [];
      const help = (await cli([args[0] ?? '', '--help'], { columns: 1000 })).stdout;
      expect(help).toContain(`separated by commas: ${names}\n`);
    },
  );

  test('refuses --columns with --json, and an order that is none', async () => {
    expect(await on(['ls', '--json', '--columns', 'name'])).toMatchObject({ code: 2 });
    expect(await on(['ls', '--sort', 'size:up'])).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('write COLUMN, or COLUMN:desc'),
    });
  });
});

describe('ls --watch', () => {
  /** Answers with each of `steps` in turn, then interrupts the command. */
  function watching(steps: readonly (readonly Transfer[])[]): CliOptions {
    const interrupt = new AbortController();
    const left = [...steps];
    agent.script.transfers = () => {
      if (left.length === 1) setTimeout(() => interrupt.abort(), 50);
      return [...(left.length > 1 ? left.shift()! : left[0]!)];
    };
    return { interrupt };
  }
  const moving = transfer('a', 'a', { doneBytes: 10n, downloadRate: 5n, state: TransferState.DOWNLOADING });

  test('prints each transfer in a pipe, and again only when it changes', async () => {
    const still = transfer('b', 'b');
    const options = watching([
      [moving, still],
      [{ ...moving, downloadRate: 7n }, still],
      [transfer('a', 'a'), still],
      [still],
    ]);
    const { code, stdout } = await on(['ls', '--watch', '--columns', 'name,state,done'], options);

    expect(code).toBe(0);
    expect(stdout).toBe(
      'NAME  STATE        DONE\na     downloading    0%\nb     seeding      100%\na  seeding  100%\na is removed\n',
    );
  });

  test('prints objects with --json', async () => {
    const { objects } = await on(
      ['ls', '-w', '--json'],
      watching([[moving], [moving], [transfer('a', 'a')]]),
    );
    expect(objects().map(({ state }) => state)).toEqual(['downloading', 'seeding']);
  });

  test('redraws the list on a terminal, and leaves it at Ctrl-C', async () => {
    const many = Array.from({ length: 40 }, (_, index) => transfer(`t${index}`, 'a'));
    const { code, stdout } = await on(['ls', '-w'], { columns: 80, ...watching([[moving], many]) });

    expect(code).toBe(0);
    const screens = stdout.split(/\r\u001b\[K(?:\u001b\[\d+A\u001b\[J)?/);
    expect(screens.map((screen) => screen.split('\n').length)).toEqual([1, 2, 24]);
    expect(screens[2]).toMatch(/\n… and 19 more\n$/);
  });
});
