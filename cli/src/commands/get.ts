import { resolve } from 'node:path';
import { EnjambreError } from '@enjambre/core/error';
import { TransferState, type Transfer } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { withAgent, type AgentClient } from '../agent-client.js';
import type { Session } from '../context.js';
import { downloadSource } from '../ref.js';
import {
  connectedSources,
  doneJson,
  progressJson,
  secondsOf,
  sourcesOf,
  transferJson,
} from '../render/json.js';
import { ProgressLine, type Progress } from '../render/progress.js';
import { table } from '../render/table.js';
import { formatBytes, formatPercent, formatRate, formatSeconds, plain, shortDigits } from '../render/text.js';
import { stateWord } from '../render/transfer-state.js';
import { follow } from './follow.js';

export interface GetOptions {
  /** Folder to put it in; the agent's download folder if absent. */
  readonly output?: string | undefined;
  /** Return as soon as the agent works on it. */
  readonly detach: boolean;
}

/** A paused or failed transfer that goes on may say for so long that it is still what it was. */
const STARTING_MS = 1000;

/** `enjambre get`: starts a download and stays until it is complete, or only starts it. */
export async function get(session: Session, ref: string, options: GetOptions): Promise<void> {
  await withAgent(session, async (agent) => {
    const { cwd } = session.context;
    const source = await downloadSource(ref, cwd);
    const outputDir = options.output === undefined ? '' : resolve(cwd, options.output);
    const { transfer, alreadyComplete } = await agent.download({ source, outputDir });
    if (!transfer) throw new EnjambreError('internal', 'BAD_ANSWER', 'the agent answered without a transfer');
    if (options.detach) started(session, transfer);
    else finished(session, await complete(session, agent, transfer), alreadyComplete);
  });
}

/** Follows a download to its end. Throws `aborted` when it fails, is paused or is removed. */
async function complete(session: Session, agent: AgentClient, transfer: Transfer): Promise<Transfer> {
  const { output, signal, context } = session;
  const line = new ProgressLine(output, context.now);
  const startedAt = context.now();
  let active = false;
  const onLost = (): void => {
    line.leave();
    output.note('the agent went away: waiting up to 30 s for it to return');
  };
  try {
    let last = transfer;
    if (tell(last)) return last;
    for await (last of follow(agent, transfer.infohash, { signal, now: context.now, onLost })) {
      if (tell(last)) return last;
    }
    return last;
  } catch (error) {
    throw signal.aborted ? interrupted(transfer) : error;
  } finally {
    line.leave();
  }

  function tell(now: Transfer): boolean {
    active ||= !isStopped(now);
    if (!active && context.now() - startedAt < STARTING_MS) return false;
    const done = isComplete(now);
    if (!done) output.object(progressJson(now));
    if (done) line.finish(progressOf(now));
    else line.show(progressOf(now));
    return done;
  }
}

function isStopped({ state }: Transfer): boolean {
  return state === TransferState.PAUSED || state === TransferState.FAILED;
}

/** True if the transfer is whole, false if it goes on. Throws if it does neither. */
function isComplete(transfer: Transfer): boolean {
  const name = plain(transfer.name);
  const why = transfer.reason === '' ? '' : `: ${plain(transfer.reason)}`;
  switch (transfer.state) {
    case TransferState.SEEDING:
      return true;
    case TransferState.FAILED:
      throw new EnjambreError('aborted', 'TRANSFER_FAILED', `${name} failed${why}`);
    case TransferState.PAUSED: {
      const resume = `\`enjambre resume ${shortDigits(transfer.infohash)}\` goes on with it`;
      throw new EnjambreError('aborted', 'TRANSFER_PAUSED', `${name} was paused by somebody: ${resume}`);
    }
    default:
      return false;
  }
}

function interrupted(transfer: Transfer): EnjambreError {
  const status = `\`enjambre status ${shortDigits(transfer.infohash)}\``;
  const message = `interrupted: the agent goes on; ${status} shows how far it is`;
  return new EnjambreError('cancelled', 'INTERRUPTED', message);
}

function progressOf(transfer: Transfer): Progress {
  const moving = transfer.state === TransferState.DOWNLOADING;
  const done = transfer.state === TransferState.SEEDING;
  const waiting = transfer.reason === '' ? '' : plain(transfer.reason);
  return {
    name: plain(transfer.name),
    bytesDone: Number(transfer.bytesDone),
    bytesTotal: Number(transfer.bytesTotal),
    rate: Number(transfer.downloadRate),
    secondsLeft: secondsOf(transfer.timeLeft),
    sources: connectedSources(transfer),
    note: moving || done ? waiting : [stateWord(transfer.state), waiting].filter(Boolean).join(': '),
  };
}

function started({ output }: Session, transfer: Transfer): void {
  output.object(transferJson('transfer', transfer));
  const status = `\`enjambre status ${shortDigits(transfer.infohash)}\``;
  const state = stateWord(transfer.state);
  if (state === 'seeding') output.line(`${plain(transfer.name)} is there already: ${plain(transfer.path)}`);
  else output.line(`${plain(transfer.name)}: ${state}; ${status} shows how far it is`);
}

function finished({ output }: Session, transfer: Transfer, already: boolean): void {
  output.object(doneJson(transfer));
  if (already) {
    output.line(`there already  ${plain(transfer.path)}  ${formatBytes(transfer.bytesTotal)}`);
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
      output.colors,
    ),
  );
}
