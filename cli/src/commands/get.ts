import { EnjambreError } from '@enjambre/core/error';
import type { LimitChange, Transfer } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { withAgent, type AgentClient } from '../agent-client.js';
import type { Session } from '../context.js';
import { downloadSource, localPath } from '../ref.js';
import { doneJson, secondsOf, sourcesOf, transferJson } from '../render/json.js';
import type { ProgressLine } from '../render/progress.js';
import { sizeText } from '../render/selected.js';
import { table } from '../render/table.js';
import { formatBytes, formatPercent, formatRate, formatSeconds, plain, shortDigits } from '../render/text.js';
import { isWhole, stateWord } from '../render/transfer-state.js';
import { Failures } from '../several.js';
import { execOf, type Exec } from './exec.js';
import { followTransfer } from './follow.js';
import { nextVersion, untilNewest } from './until-newest.js';
import { untilWhole } from './until-whole.js';
import { isUnreachable } from '../unreachable.js';
import { pathFrom, type WorkingFolder } from '../working-folder.js';

export interface GetOptions {
  /** Target folder; the agent's download folder if absent. */
  readonly output?: string | undefined;
  /** Name that the content must have; allows a hidden one. */
  readonly name?: string | undefined;
  /** Only versions by this publisher: a name, or at least 8 digits of a peer id. */
  readonly publisher?: string | undefined;
  /** Replace what has the name in the target folder. */
  readonly replace?: boolean;
  /** Move to each new version of the name. */
  readonly follow?: boolean;
  /** Only these files of a folder: patterns for their paths in it. */
  readonly select?: readonly string[];
  /** Return as soon as the download is started. */
  readonly detach: boolean;
  /** How long to wait for completion; the agent continues after it. */
  readonly timeoutSeconds?: number | undefined;
  /** Command for the shell, run for each complete download. */
  readonly exec?: string | undefined;
  /** Limits of the transfer. */
  readonly limits?: LimitChange | undefined;
}

/** `enjambre get`: starts downloads and, without `detach`, waits until all are complete. */
export async function get(session: Session, refs: readonly string[], options: GetOptions): Promise<void> {
  if (refs.length > 1 && options.name !== undefined) {
    const message = '--name is for a single REF: get the others with another command';
    throw new EnjambreError('invalid', 'USAGE', message);
  }
  if (options.detach && options.exec !== undefined) {
    const message =
      '--exec is run by this command after it has waited, and --detach does not wait: leave out one of them';
    throw new EnjambreError('invalid', 'USAGE', message);
  }
  const failures = new Failures(session.output, refs);
  const exec = options.exec === undefined ? undefined : execOf(session, options.exec);
  const wait = waitOf(session, options);
  await withAgent(wait.session, async (agent) => {
    const begun: Begun[] = [];
    for (const ref of refs)
      await failures.attempt(ref, async () => {
        begun.push(await wait.inTime(() => start(wait.session, agent, { ref, options })));
      });
    const board = new Set<ProgressLine>();
    const ends = begun.map((its) =>
      failures.attempt(its.ref, async () => {
        const ending = { begun: its, options, board };
        const whole = await wait.inTime(() => end(wait.session, agent, ending), its.transfer);
        if (whole && exec) await execEach({ session, agent, board }, whole, { ...options, exec });
      }),
    );
    for (const { reason } of await failed(ends)) throw reason;
  });
  failures.end();
}

interface Begun {
  readonly ref: string;
  readonly transfer: Transfer;
  readonly alreadyComplete: boolean;
}

/** Waits until all have ended; the ones that failed. */
async function failed(ends: readonly Promise<void>[]): Promise<readonly { readonly reason: unknown }[]> {
  return (await Promise.allSettled(ends)).filter((each) => each.status === 'rejected');
}

interface Wait {
  /** A session that also ends at `--timeout`. */
  readonly session: Session;
  /** Throws `aborted`, TIMED_OUT, if the time ends first. */
  readonly inTime: <T>(work: () => Promise<T>, transfer?: Transfer) => Promise<T>;
}

function waitOf(session: Session, { timeoutSeconds }: GetOptions): Wait {
  if (timeoutSeconds === undefined) return { session, inTime: (work) => work() };
  const deadline = AbortSignal.timeout(timeoutSeconds * 1000);
  return {
    session: { ...session, signal: AbortSignal.any([session.signal, deadline]) },
    inTime: async (work, transfer) => {
      try {
        return await work();
      } catch (error) {
        const isLate =
          deadline.aborted && !session.signal.aborted && EnjambreError.from(error).code === 'cancelled';
        throw isLate ? tooLate(timeoutSeconds, transfer) : error;
      }
    },
  };
}

async function start(
  session: Session,
  agent: AgentClient,
  { ref, options }: { ref: string; options: GetOptions },
): Promise<Begun> {
  const { output, name = '', publisher = '', limits, replace = false, follow = false } = options;
  const select = [...(options.select ?? [])];
  const source = await downloadSource(ref, session);
  const outputDir = output === undefined ? '' : pathFrom(session.context, output);
  const { transfer, alreadyComplete } = await agent
    .download({ source, outputDir, limits, name, publisher, replace, follow, select })
    .catch(async (error: unknown) => {
      throw await notShared(error, ref, session.context);
    });
  if (!transfer) throw new EnjambreError('internal', 'BAD_ANSWER', 'the agent answered without a transfer');
  return { ref, transfer, alreadyComplete };
}

async function end(
  session: Session,
  agent: AgentClient,
  { begun, options, board }: { begun: Begun; options: GetOptions; board: Set<ProgressLine> },
): Promise<Transfer | undefined> {
  if (options.follow === true) followed(session, begun.transfer);
  if (options.detach) {
    started(session, begun.transfer);
    return undefined;
  }
  const wait = (transfer: Transfer): Promise<Transfer> => untilWhole(session, agent, transfer, { board });
  const whole = await (options.follow ? untilNewest(agent, begun.transfer, wait) : wait(begun.transfer));
  finished(session, whole, begun.alreadyComplete);
  return whole;
}

interface Following {
  readonly session: Session;
  readonly agent: AgentClient;
  readonly board: Set<ProgressLine>;
}

/** Runs the command for a complete download and, with `follow`, for each newer version until the transfer is removed. */
async function execEach(
  { session, agent, board }: Following,
  first: Transfer,
  { exec, follow = false }: Pick<GetOptions, 'follow'> & { readonly exec: Exec },
): Promise<void> {
  if (!follow) return exec(first);
  const { output, signal } = session;
  const failures = new Failures(output, [first.name, 'each newer version']);
  let [inPlace, current] = [first, first];
  const wait = (transfer: Transfer): Promise<Transfer> => {
    current = transfer;
    return untilWhole(session, agent, transfer, { board });
  };
  await failures.attempt(first.name, () => exec(first));
  for (;;) {
    const updates = followTransfer(session, agent, current);
    const next = await nextVersion(agent, current, updates).catch((error: unknown) => {
      throw signal.aborted ? noLongerWaiting(current) : error;
    });
    if (!next) break;
    await failures.attempt(next.name, async () => {
      inPlace = current = await untilNewest(agent, next, wait).catch((error: unknown) => {
        throw signal.aborted || isUnreachable(error) ? error : staysInPlace(error, inPlace);
      });
      finished(session, current, false);
      await exec(current);
    });
  }
  output.hint(`${plain(first.name)} is no longer followed: its transfer was removed`);
  failures.end();
}

/** A newer version failed, which the agent still follows. */
function staysInPlace(cause: unknown, { publication }: Transfer): EnjambreError {
  const { code, reason, message, metadata } = EnjambreError.from(cause);
  const inPlace = `version ${String(publication?.version)} stays in place`;
  return new EnjambreError(code, reason, `${message}; ${inPlace}`, { cause, metadata });
}

function noLongerWaiting({ infohash, name }: Transfer): EnjambreError {
  const end = `\`enjambre rm ${shortDigits(infohash)}\` ends that`;
  const message = `interrupted: the agent still follows ${plain(name)}, but runs no command; ${end}`;
  return new EnjambreError('cancelled', 'INTERRUPTED', message);
}

/** An unknown ref may be a local path that the user meant to share, or a .torrent under another name. */
async function notShared(error: unknown, ref: string, folder: WorkingFolder): Promise<unknown> {
  if (EnjambreError.from(error).reason !== 'UNKNOWN_REF') return error;
  return (await localPath(ref, folder)) ?? error;
}

function tooLate(seconds: number, transfer: Transfer | undefined): EnjambreError {
  const after = formatSeconds(seconds);
  const message = transfer
    ? `not complete after ${after}: the agent continues in the background; \`enjambre status ${shortDigits(transfer.infohash)}\` shows its progress`
    : `the agent did not find the file within ${after}: see its log, or raise --timeout`;
  return new EnjambreError('aborted', 'TIMED_OUT', message);
}

function followed({ output }: Session, { infohash, name, publication }: Transfer): void {
  const by = plain(publication?.publisher?.name ?? '');
  const end = `\`enjambre rm ${shortDigits(infohash)}\` ends that`;
  output.hint(`${plain(name)} follows ${by}: each new version replaces it; ${end}`);
}

function started({ output }: Session, transfer: Transfer): void {
  output.object(transferJson('transfer', transfer));
  const status = `\`enjambre status ${shortDigits(transfer.infohash)}\``;
  if (isWhole(transfer)) output.line(`${plain(transfer.name)} is already complete: ${plain(transfer.path)}`);
  else {
    output.line(`${plain(transfer.name)}: ${stateWord(transfer.state)}`);
    output.hint(`${status} shows its progress`);
  }
}

function finished({ output }: Session, transfer: Transfer, already: boolean): void {
  output.object(doneJson(transfer));
  if (transfer.warning !== '') output.note(`${transfer.name} is complete, but ${transfer.warning}`);
  if (output.quiet) {
    output.line(plain(transfer.path));
    return;
  }
  if (already) {
    output.line(`already complete  ${plain(transfer.path)}  ${sizeText(transfer)}`);
    return;
  }
  const seconds = secondsOf(transfer.activeTime) ?? 0;
  const received = Number(transfer.downloadedBytes);
  const size = sizeText(transfer);
  const pace =
    seconds > 0 && received > 0 ? ` in ${formatSeconds(seconds)} (${formatRate(received / seconds)})` : '';
  output.line(`${output.colors.green('done')}  ${plain(transfer.path)}  ${size}${pace}`);
  const sources = sourcesOf(transfer);
  if (sources.length === 0) return;
  const sum = sources.reduce((total, { downloadedBytes }) => total + downloadedBytes, 0n);
  const rows = sources.map(({ name, id: peerId, downloadedBytes }) => [
    plain(name),
    shortDigits(peerId),
    formatBytes(downloadedBytes),
    formatPercent(downloadedBytes, sum),
  ]);
  output.line();
  output.line(
    table(
      [
        { title: 'from' },
        { title: 'peer' },
        { title: 'bytes', align: 'right' },
        { title: 'share', align: 'right' },
      ],
      rows,
      output,
    ),
  );
}
