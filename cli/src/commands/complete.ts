import { withAgent, type AgentClient } from '../agent-client.js';
import type { ArgumentKind } from '../client-command.js';
import { placeOf, type CommandLine } from '../completion/place.js';
import { SCRIPTS, type Shell } from '../completion/scripts.js';
import type { Session } from '../context.js';
import { withMessages } from '../message-client.js';

/** A person waits for the candidates: an agent that needs longer offers none. */
const TIMEOUT_MS = 1500;

/** `enjambre completion`: prints the completion script of a shell. */
export function completion({ output }: Session, shell: Shell): void {
  output.line(SCRIPTS[shell].trimEnd());
  output.object({ type: 'completion', shell, script: SCRIPTS[shell] });
}

/** `enjambre __complete`: the candidates for the last of `words`, which the scripts of the shells read. */
export async function complete(session: Session, line: CommandLine, words: readonly string[]): Promise<void> {
  const current = words.at(-1) ?? '';
  const { words: fixed, kind } = placeOf(line, words.slice(0, -1), current);
  const { output } = session;
  const values = line.isReachable ? await valuesOf(session, kind) : [];
  const found = [...fixed, ...values];
  for (const value of [...new Set(found)])
    if (value.startsWith(current) && !/[\p{Cc}]/u.test(value)) output.line(value);
  output.line(`:${(kind && OF_THE_SHELL[kind]) ?? 'none'}`);
}

const OF_THE_SHELL: Readonly<Partial<Record<ArgumentKind, string>>> = {
  path: 'files',
  torrent: 'files',
  folder: 'folders',
  'shared-file': 'files',
};

/** What the agent, or the configuration file, knows of a kind. Empty if it does not answer. */
async function valuesOf(session: Session, kind: ArgumentKind | undefined): Promise<readonly string[]> {
  if (kind === undefined) return [];
  if (kind === 'context') return [...(session.config?.contexts.keys() ?? [])];
  const signal = AbortSignal.any([session.signal, AbortSignal.timeout(TIMEOUT_MS)]);
  const ask = ASKED[kind];
  return ask ? ask({ ...session, signal }).catch(() => []) : [];
}

type Ask = (session: Session) => Promise<readonly string[]>;

const ofAgent =
  (ask: (agent: AgentClient) => Promise<readonly string[]>): Ask =>
  (session) =>
    withAgent(session, ask);

const ASKED: Readonly<Partial<Record<ArgumentKind, Ask>>> = {
  transfer: ofAgent(async (agent) => (await agent.transfers()).map(({ name }) => name)),
  'shared-file': ofAgent(async (agent) => (await agent.files('')).map(({ name }) => name)),
  peer: ofAgent(async (agent) => (await agent.peers('')).flatMap(({ peer }) => peer?.name ?? [])),
  room: (session) =>
    withMessages(session, async (messages) => (await messages.rooms()).map(({ name }) => name)),
};
