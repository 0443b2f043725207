import { access, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { finish, ProcessSwarm, type CommandResult, type SwarmAgent } from '@enjambre/harness/swarm';
import { systemErrorText } from '@enjambre/common/system-error';
import { waitFor } from '@enjambre/harness/wait-for';
import prettyBytes from 'pretty-bytes';
import { hashFile, writeRandomFile } from '@enjambre/harness/content';
import { watchedNats, type WatchedNats } from './nats.js';
import { Stage, type Scene } from './stage.js';
import { summaryTable, type TransferStatus } from './summary.js';

const MIB = 1 << 20;
const FILE_BYTES = 512 * MIB;
const FILE_NAME = 'model.bin';
const DOWNLOADERS = ['bob', 'carol', 'dave'] as const;
/** The agent that is killed, and the range of its progress at that time. */
const VICTIM = 'dave';
const KILL_FROM = 0.4;
const KILL_TO = 0.9;
const SHOW_MS = 200;
const DOWNLOAD_TIMEOUT_MS = 120_000;

const MESSAGE = 'carry on where you stopped';

export interface DemoOptions {
  readonly out: NodeJS.WriteStream;
  readonly signal: AbortSignal;
  /** Use a real nats-server for events and messages. */
  readonly withNats: boolean;
}

/** Runs the demo and returns its exit code: 0 only if every check passed. */
export async function runDemo({ out, signal, withNats }: DemoOptions): Promise<number> {
  const stage = new Stage(out);
  const swarm = await makeSwarm(stage);
  if (!swarm) return 1;
  // The current step then fails soon, since its processes are gone.
  signal.addEventListener('abort', () => void swarm.stop(), { once: true });
  let code = 1;
  try {
    await play({ stage, swarm, signal, nats: withNats ? await watchedNats(stage, swarm) : undefined });
    code = 0;
  } catch (error) {
    stage.bad(signal.aborted ? 'interrupted' : error instanceof Error ? error.message : String(error));
    code = signal.aborted ? 130 : 1;
  } finally {
    await swarm.stop();
  }
  const left = await access(swarm.root).then(
    () => true,
    () => false,
  );
  if (left) {
    stage.bad(`${swarm.root} was not removed`);
    return code || 1;
  }
  stage.good('all processes are stopped, all files removed');
  return code;
}

/** Undefined, after reporting why, if there is no folder for it. */
async function makeSwarm(stage: Stage): Promise<ProcessSwarm | undefined> {
  try {
    return await ProcessSwarm.create();
  } catch (error) {
    stage.bad(
      `cannot create a temporary folder (${systemErrorText(error)}): set TMPDIR to an existing folder`,
    );
    return undefined;
  }
}

/** Collaborators of a run. */
interface Theatre {
  readonly stage: Stage;
  readonly swarm: ProcessSwarm;
  readonly signal: AbortSignal;
  readonly nats: WatchedNats | undefined;
}

async function play(theatre: Theatre): Promise<void> {
  const { stage, swarm, signal, nats } = theatre;
  stage.say('');
  stage.step('starting a tracker, a messaging service, one seeder and three downloaders, each a process');
  const onNats = nats ? ['--nats', nats.url] : [];
  await Promise.all([swarm.startTracker(onNats), swarm.startMessaging(onNats)]);
  const [seeder, ...downloaders] = await Promise.all(
    ['alice', ...DOWNLOADERS].map((name) => swarm.startAgent(name)),
  );
  if (!seeder) throw new Error('no seeder was started');

  const path = join(swarm.root, 'original', FILE_NAME);
  stage.step(`writing ${FILE_NAME}: ${prettyBytes(FILE_BYTES, { binary: true })} of random bytes`);
  const expected = await writeRandomFile(path, FILE_BYTES, signal);
  const shared = await checked(swarm.command(seeder, ['share', path, '--json']), 'share');
  stage.good(`alice shares it: ${String(shared.json.at(-1)?.['magnet']).slice(0, 60)}…`);

  stage.step(`${DOWNLOADERS.join(', ')} download it; ${VICTIM} will be killed halfway`);
  await downloadAll(theatre, seeder, downloaders);

  stage.step('comparing SHA-256 of every copy');
  for (const { name, downloadDir } of downloaders) {
    const copy = join(downloadDir, FILE_NAME);
    const actual = await hashFile(copy, signal);
    if (actual !== expected || (await stat(copy)).size !== FILE_BYTES)
      throw new Error(`${name}'s copy differs: ${actual}`);
    stage.good(`${name.padEnd(6)} ${actual}`);
  }
  stage.say('');
  const agents = [seeder, ...downloaders];
  const parties = agents.map(async (agent) => ({
    name: agent.name,
    status: await statusOf(swarm, agent),
    killed: agent.name === VICTIM,
  }));
  stage.say(summaryTable(await Promise.all(parties)));
  if (nats) stage.say(await nats.summary());
}

/** Starts all downloads, kills one halfway, starts it again and waits until all are complete. */
async function downloadAll(
  theatre: Theatre,
  seeder: SwarmAgent,
  downloaders: readonly SwarmAgent[],
): Promise<void> {
  const { stage, swarm } = theatre;
  const victim = downloaders.find(({ name }) => name === VICTIM);
  if (!victim) throw new Error(`${VICTIM} was not started`);
  const gets = downloaders.map((agent) => swarm.start(agent, ['get', FILE_NAME, '--json']));
  const scenes = new Map<string, Scene>(downloaders.map(({ name }) => [name, waiting(name)]));
  const seen = new Map<string, number>();
  const update = (): void => {
    downloaders.forEach(({ name }, index) => {
      const lines = gets[index]?.stdout ?? [];
      const from = seen.get(name) ?? 0;
      if (lines.length === from) return;
      seen.set(name, lines.length);
      scenes.set(name, sceneOf(name, lines[lines.length - 1] ?? '') ?? waiting(name));
    });
  };
  const show = setInterval(() => {
    update();
    stage.show([...scenes.values()]);
  }, SHOW_MS);
  try {
    await killHalfway(theatre, { seeder, victim }, () => {
      update();
      const scene = scenes.get(VICTIM);
      return scene && scene.total > 0 ? scene.done / scene.total : 0;
    });
    for (const [index, get] of gets.entries()) {
      await checked(
        withTimeout(finish(get), DOWNLOAD_TIMEOUT_MS),
        `get of ${downloaders[index]?.name ?? ''}`,
      );
    }
  } finally {
    clearInterval(show);
  }
  update();
  stage.end([...scenes.values()]);
}

async function killHalfway(
  { stage, swarm, signal }: Theatre,
  { seeder, victim }: { seeder: SwarmAgent; victim: SwarmAgent },
  part: () => number,
): Promise<void> {
  await waitFor(() => part() >= KILL_FROM, {
    what: `${VICTIM} to be halfway`,
    timeoutMs: DOWNLOAD_TIMEOUT_MS,
    everyMs: 5,
    signal,
  });
  await victim.process.kill();
  const reached = part();
  if (reached > KILL_TO) throw new Error(`${VICTIM} was too fast to be killed halfway`);
  stage.good(`kill -9 ${VICTIM} at ${Math.round(reached * 100)}%`);
  await checked(swarm.command(seeder, ['send', VICTIM, MESSAGE]), 'send');
  stage.good(`${seeder.name} sends a message to ${VICTIM}, which is down: "${MESSAGE}"`);
  const revived = await swarm.startAgent(VICTIM);
  stage.good(`${VICTIM} is started again, and resumes where it stopped`);
  const read = await waitFor(
    async () => (await checked(swarm.command(revived, ['inbox', '--json']), 'inbox')).json.at(-1),
    { what: `${VICTIM} to receive its message`, everyMs: 200, signal },
  );
  if (read['text'] !== MESSAGE || (read['sender'] as { name?: string } | undefined)?.name !== seeder.name)
    throw new Error(`${VICTIM} received another message: ${JSON.stringify(read)}`);
  stage.good(`${VICTIM} received the message from ${seeder.name}`);
}

function waiting(name: string): Scene {
  return { name, state: 'waiting', done: 0, total: 0, rate: 0, sources: 0 };
}

/** Parses a line of `get --json`; undefined if it is no progress. */
function sceneOf(name: string, line: string): Scene | undefined {
  const entry = JSON.parse(line) as Record<string, unknown>;
  if (entry['type'] === 'done') {
    const total = Number(entry['size_bytes']);
    const sources = Array.isArray(entry['sources']) ? entry['sources'] : [];
    return { name, state: 'complete', done: total, total, rate: 0, sources: sources.length };
  }
  if (entry['type'] !== 'progress') return undefined;
  return {
    name,
    state: String(entry['state']),
    done: Number(entry['done_bytes']),
    total: Number(entry['size_bytes']),
    rate: Number(entry['download_rate']),
    sources: Number(entry['source_count']),
  };
}

async function statusOf(swarm: ProcessSwarm, agent: SwarmAgent): Promise<TransferStatus> {
  const { json } = await checked(
    swarm.command(agent, ['status', FILE_NAME, '--json']),
    `status of ${agent.name}`,
  );
  return json.at(-1) as unknown as TransferStatus;
}

async function checked(command: Promise<CommandResult>, what: string): Promise<CommandResult> {
  const result = await command;
  if (result.code !== 0) throw new Error(`${what} exited with ${result.code}: ${result.stderr}`);
  return result;
}

async function withTimeout<T>(work: Promise<T>, timeoutMs: number): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done after ${timeoutMs / 1000} s`)), timeoutMs);
  });
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
  }
}
