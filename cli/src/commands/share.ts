import { lstat } from 'node:fs/promises';
import { systemErrorText } from '@enjambre/common/system-error';
import { EnjambreError } from '@enjambre/core/error';
import {
  LinkPolicy,
  type HashProgress,
  type LimitChange,
  type SharedFile,
  type Transfer,
} from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { withAgent, type AgentClient } from '../agent-client.js';
import type { Session } from '../context.js';
import { writeNewFile } from '@enjambre/common/files/new-file';
import { outputBeside } from '../output.js';
import { sharedJson } from '../render/json.js';
import { leftOutNotes, linksLeftOut } from '../render/left-out.js';
import { ProgressLine } from '../render/progress.js';
import { formatBytes, plain } from '../render/text.js';
import { STANDARD } from '../standard-input.js';
import { forEach } from '../several.js';
import { pathFrom } from '../working-folder.js';

export interface ShareOptions {
  /** Name to share it under; the name of the path if absent. */
  readonly name?: string | undefined;
  /** Bytes in a piece; the agent chooses if absent. */
  readonly pieceLength?: number | undefined;
  /** Files to write the metainfo to; `-` is standard output. */
  readonly torrents: readonly string[];
  /** Limits of the transfer. */
  readonly limits?: LimitChange | undefined;
  /** Which symbolic links in a folder are followed; none if absent. */
  readonly followLinks?: 'inside' | 'anywhere' | undefined;
  /** Leave out what cannot be shared; links that are not followed are then no error. */
  readonly skipUnsupported?: boolean | undefined;
}

const POLICIES = { inside: LinkPolicy.INSIDE, anywhere: LinkPolicy.ANYWHERE } as const;

/** `enjambre share`: lets the agent hash and share files or folders. Ctrl-C stops the hashing. */
export async function share(
  session: Session,
  paths: readonly string[],
  options: ShareOptions,
): Promise<void> {
  const own = options.name !== undefined ? '--name' : options.torrents.length > 0 ? '--torrent' : undefined;
  if (paths.length > 1 && own !== undefined) {
    const message = `${own} is for a single path: share the others with another command`;
    throw new EnjambreError('invalid', 'USAGE', message);
  }
  await forEach(session, paths, (path) => shareOne(session, path, options));
}

async function shareOne(given: Session, path: string, options: ShareOptions): Promise<void> {
  const toOutput = options.torrents.includes(STANDARD);
  if (toOutput) checkOutput(given);
  const { stderr, environment } = given.context;
  const session = toOutput ? { ...given, output: outputBeside(stderr, environment, given.output) } : given;
  const torrents = options.torrents
    .filter((file) => file !== STANDARD)
    .map((file) => pathFrom(session.context, file));
  for (const file of torrents) await checkFree(file);
  await withAgent(session, async (agent) => {
    const shared = await hash(session, agent, pathFrom(session.context, path), options);
    const { transfer } = shared;
    if (!transfer) throw noTransfer();
    for (const file of torrents) await writeTorrent(file, shared.metainfo);
    if (toOutput) await given.output.bytes(shared.metainfo);
    tell(session, transfer, shared, torrents);
    const { leftOut } = shared;
    if (leftOut && leftOut.linkCount > 0 && options.skipUnsupported !== true)
      throw linksLeftOut(transfer.name, leftOut);
  });
}

async function hash(
  session: Session,
  agent: AgentClient,
  path: string,
  { name = '', pieceLength = 0, limits, followLinks, skipUnsupported = false }: ShareOptions,
): Promise<SharedFile> {
  const { output, signal, context } = session;
  const line = new ProgressLine(output, context.now);
  const startedAt = context.now();
  try {
    const links = followLinks === undefined ? LinkPolicy.SKIP : POLICIES[followLinks];
    const request = { path, name, pieceLength, limits, links, skipUnsupported };
    for await (const { result } of agent.share(request)) {
      if (result?.$case === 'shared') return result.value;
      if (result) tellProgress(result.value);
    }
    throw noTransfer();
  } catch (error) {
    if (!signal.aborted) throw error;
    throw new EnjambreError('cancelled', 'INTERRUPTED', `interrupted: ${path} was not shared`);
  } finally {
    line.leave();
  }

  function tellProgress({ doneBytes, sizeBytes }: HashProgress): void {
    const seconds = (context.now() - startedAt) / 1000;
    const rate = seconds > 0 ? Number(doneBytes) / seconds : 0;
    const left = rate > 0 ? Number(sizeBytes - doneBytes) / rate : undefined;
    output.object({
      type: 'progress',
      size_bytes: sizeBytes,
      done_bytes: doneBytes,
      hash_rate: Math.round(rate),
    });
    line.show({
      name: 'hashing',
      doneBytes: Number(doneBytes),
      sizeBytes: Number(sizeBytes),
      rate,
      secondsLeft: left,
    });
  }
}

function tell(
  { output }: Session,
  transfer: Transfer,
  shared: SharedFile,
  torrents: readonly string[],
): void {
  output.object(sharedJson(transfer, shared, torrents));
  if (output.quiet) {
    output.line(plain(transfer.infohash));
    return;
  }
  const { dim, bold } = output.colors;
  const again = shared.alreadyShared ? '  (already shared)' : '';
  output.line(`${bold(plain(transfer.name))}  ${formatBytes(transfer.sizeBytes)}${again}`);
  output.line(`${dim('infohash')}  ${plain(transfer.infohash)}`);
  output.line(`${dim('magnet')}    ${plain(shared.magnet)}`);
  for (const file of torrents) output.line(`${dim('torrent')}   ${plain(file)}`);
  for (const note of leftOutNotes(shared.leftOut)) output.note(note);
}

/** Checks that standard output can carry a .torrent, and nothing else. Throws `invalid`, USAGE. */
function checkOutput({ context, output }: Session): void {
  const instead = output.json
    ? '--torrent - and --json both write to standard output: use one of them, or name a file'
    : 'a .torrent is binary, and standard output is a terminal: redirect it, or name a file with --torrent';
  if (output.json || context.stdout.isTTY === true) throw new EnjambreError('invalid', 'USAGE', instead);
}

/** Never overwrites a file, least of all one that is being shared. Throws `already-exists`, PATH_EXISTS. */
async function checkFree(path: string): Promise<void> {
  if (await isThere(path)) {
    const message = `${path} already exists: remove it, or choose another path with --torrent`;
    throw new EnjambreError('already-exists', 'PATH_EXISTS', message);
  }
}

function isThere(path: string): Promise<boolean> {
  return lstat(path).then(
    () => true,
    () => false,
  );
}

async function writeTorrent(path: string, metainfo: Uint8Array): Promise<void> {
  try {
    await writeNewFile(path, metainfo);
  } catch (error) {
    const message = `the content is shared, but ${path} cannot be written (${systemErrorText(error)}): choose another path with --torrent`;
    throw new EnjambreError('denied', 'PATH_NOT_WRITABLE', message, { cause: error });
  }
}

function noTransfer(): EnjambreError {
  return new EnjambreError(
    'internal',
    'BAD_ANSWER',
    'the agent ended the call without a result: see its log',
  );
}
