import { EnjambreError } from '@enjambre/core/error';
import { TransferState, type Transfer } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import type { Session } from '../context.js';
import { connectedSources, progressJson, secondsOf } from '../render/json.js';
import { ProgressLine, type Progress } from '../render/progress.js';
import { selectedBytesOf } from '../render/selected.js';
import { plain, shortDigits } from '../render/text.js';
import { isWhole, stateWord } from '../render/transfer-state.js';
import { isStopped } from '../several.js';
import { followTransfer, type Watchable } from './follow.js';
import { messageOf } from '../transfer-wording.js';

/** How long a resumed transfer may still report its old state. */
const STARTING_MS = 1000;

export interface WaitOptions {
  /** Receives every update. */
  readonly seen?: (transfer: Transfer) => void;
  /** Lines of progress that are shown together. @default its own */
  readonly board?: Set<ProgressLine>;
}

/**
 * Follows a transfer until it is complete, and shows its progress.
 * Throws `aborted` if it fails, is paused or removed, or if its files are missing.
 */
export async function untilWhole(
  session: Session,
  agent: Watchable,
  transfer: Transfer,
  { seen = () => undefined, board = new Set() }: WaitOptions = {},
): Promise<Transfer> {
  const { output, signal, context } = session;
  const line = new ProgressLine(output, context.now, board);
  const startedAt = context.now();
  let active = false;
  const onLost = (): void => line.leave();
  try {
    let last = transfer;
    if (tell(last)) return last;
    for await (last of followTransfer(session, agent, transfer, onLost)) {
      if (tell(last)) return last;
    }
    return last;
  } catch (error) {
    throw signal.aborted ? interrupted(transfer) : error;
  } finally {
    line.leave();
  }

  function tell(now: Transfer): boolean {
    seen(now);
    active ||= !isStopped(now);
    if (!active && context.now() - startedAt < STARTING_MS) return false;
    const done = isComplete(now);
    if (!done) output.object(progressJson(now));
    if (done) line.finish(progressOf(now));
    else line.show(progressOf(now));
    return done;
  }
}

/** True if the transfer is complete, false if it is running. Throws if it has stopped. */
function isComplete(transfer: Transfer): boolean {
  const name = plain(transfer.name);
  const why = transfer.message === '' ? '' : `: ${plain(messageOf(transfer))}`;
  switch (transfer.state) {
    case TransferState.SEEDING:
    case TransferState.FINISHED:
      return true;
    case TransferState.FAILED:
      throw new EnjambreError('aborted', transfer.reason || 'TRANSFER_FAILED', `${name} failed${why}`);
    case TransferState.MISSING:
      throw new EnjambreError('aborted', 'CONTENT_MISSING', `${name} waits for its files${why}`);
    case TransferState.PAUSED: {
      const resume = `\`enjambre resume ${shortDigits(transfer.infohash)}\` resumes it`;
      throw new EnjambreError('aborted', 'TRANSFER_PAUSED', `${name} was paused: ${resume}`);
    }
    default:
      return false;
  }
}

function interrupted(transfer: Transfer): EnjambreError {
  const status = `\`enjambre status ${shortDigits(transfer.infohash)}\``;
  const message = `interrupted: the agent continues in the background; ${status} shows its progress`;
  return new EnjambreError('cancelled', 'INTERRUPTED', message);
}

function progressOf(transfer: Transfer): Progress {
  const moving = transfer.state === TransferState.DOWNLOADING;
  const done = isWhole(transfer);
  const checked = transfer.checkedPieceCount * Number(transfer.pieceLength);
  const checking = transfer.state === TransferState.CHECKING;
  const sizeBytes = Number(selectedBytesOf(transfer));
  const waiting = done || transfer.message === '' ? '' : plain(messageOf(transfer));
  return {
    name: plain(transfer.name),
    doneBytes: checking ? Math.min(checked, sizeBytes) : Number(transfer.doneBytes),
    sizeBytes,
    rate: Number(transfer.downloadRate),
    secondsLeft: secondsOf(transfer.timeLeft),
    sources: connectedSources(transfer),
    note: moving || done ? waiting : [stateWord(transfer.state), waiting].filter(Boolean).join(': '),
  };
}
