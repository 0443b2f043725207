import { EnjambreError } from '@enjambre/core/error';
import type { LimitChange, Transfer } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { withAgent } from '../agent-client.js';
import type { Session } from '../context.js';
import { downloadSource, localPath } from '../ref.js';
import { doneJson, secondsOf, sourcesOf, transferJson } from '../render/json.js';
import { table } from '../render/table.js';
import { formatBytes, formatPercent, formatRate, formatSeconds, plain, shortDigits } from '../render/text.js';
import { stateWord } from '../render/transfer-state.js';
import { untilWhole } from './until-whole.js';
import { pathFrom, type WorkingFolder } from '../working-folder.js';

export interface GetOptions {
  /** Target folder; the agent's download folder if absent. */
  readonly output?: string | undefined;
  /** Name that the content must have; allows a hidden one. */
  readonly name?: string | undefined;
  /** Return as soon as the download is started. */
  readonly detach: boolean;
  /** How long to wait for completion; the agent continues after it. */
  readonly timeoutSeconds?: number | undefined;
  /** Limits of the transfer. */
  readonly limits?: LimitChange | undefined;
}

/** `enjambre get`: starts a download and, without `detach`, waits for completion. */
export async function get(session: Session, ref: string, options: GetOptions): Promise<void> {
  const { timeoutSeconds } = options;
  if (timeoutSeconds === undefined) return download(session, ref, options);
  const deadline = AbortSignal.timeout(timeoutSeconds * 1000);
  const signal = AbortSignal.any([session.signal, deadline]);
  let transfer: Transfer | undefined;
  try {
    await download({ ...session, signal }, ref, { ...options, begun: (its) => (transfer = its) });
  } catch (error) {
    const inTime =
      !deadline.aborted || session.signal.aborted || EnjambreError.from(error).code !== 'cancelled';
    throw inTime ? error : tooLate(timeoutSeconds, transfer);
  }
}

async function download(
  session: Session,
  ref: string,
  { output, name = '', detach, limits, begun }: GetOptions & { begun?: (transfer: Transfer) => void },
): Promise<void> {
  await withAgent(session, async (agent) => {
    const source = await downloadSource(ref, session);
    const outputDir = output === undefined ? '' : pathFrom(session.context, output);
    const { transfer, alreadyComplete } = await agent
      .download({ source, outputDir, limits, name })
      .catch(async (error: unknown) => {
        throw await notShared(error, ref, session.context);
      });
    if (!transfer) throw new EnjambreError('internal', 'BAD_ANSWER', 'the agent answered without a transfer');
    begun?.(transfer);
    if (detach) started(session, transfer);
    else finished(session, await untilWhole(session, agent, transfer), alreadyComplete);
  });
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

function started({ output }: Session, transfer: Transfer): void {
  output.object(transferJson('transfer', transfer));
  const status = `\`enjambre status ${shortDigits(transfer.infohash)}\``;
  const state = stateWord(transfer.state);
  if (state === 'seeding')
    output.line(`${plain(transfer.name)} is already complete: ${plain(transfer.path)}`);
  else output.line(`${plain(transfer.name)}: ${state}; ${status} shows its progress`);
}

function finished({ output }: Session, transfer: Transfer, already: boolean): void {
  output.object(doneJson(transfer));
  if (transfer.warning !== '') output.note(`${transfer.name} is complete, but ${transfer.warning}`);
  if (already) {
    output.line(`already complete  ${plain(transfer.path)}  ${formatBytes(transfer.bytesTotal)}`);
    return;
  }
  const seconds = secondsOf(transfer.activeTime) ?? 0;
  const received = Number(transfer.bytesDownloaded);
  const size = formatBytes(transfer.bytesTotal);
  const pace =
    seconds > 0 && received > 0 ? ` in ${formatSeconds(seconds)} (${formatRate(received / seconds)})` : '';
  output.line(`${output.colors.green('done')}  ${plain(transfer.path)}  ${size}${pace}`);
  const sources = sourcesOf(transfer);
  if (sources.length === 0) return;
  const sum = sources.reduce((total, { bytesReceived }) => total + bytesReceived, 0n);
  const rows = sources.map(({ name, peerId, bytesReceived }) => [
    plain(name),
    shortDigits(peerId),
    formatBytes(bytesReceived),
    formatPercent(bytesReceived, sum),
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
