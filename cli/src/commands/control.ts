import { EnjambreError } from '@enjambre/core/error';
import { TransferState, type Transfer } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { withAgent } from '../agent-client.js';
import type { Session } from '../context.js';
import { transferRef } from '../ref.js';
import { forEach, isStopped, selected, type Selection } from '../several.js';
import { transferJson } from '../render/json.js';
import { removedJson, removedLines } from '../render/removed.js';
import { plain, shortDigits } from '../render/text.js';
import { stateWord } from '../render/transfer-state.js';
import { messageOf } from '../transfer-wording.js';

/** `enjambre pause`: stops transfers; their data is kept. */
export async function pause(session: Session, selection: Selection): Promise<void> {
  const { output } = session;
  const refs = await selected(
    session,
    selection,
    (transfer) => !isStopped(transfer) && transfer.state !== TransferState.FINISHED,
  );
  await forEach(session, refs, async (ref) => {
    const its = await transferRef(ref, session);
    const transfer = await withAgent(session, (agent) => agent.pause(its));
    output.object(transferJson('transfer', transfer));
    output.line(`${plain(transfer.name)} is paused`);
    output.hint(`\`enjambre resume ${shortDigits(transfer.infohash)}\` resumes it`);
  });
}

/** Time within which a resumed transfer shows whether it can start. */
const SETTLE_MS = 3000;
/** States that do not show it yet; an agent may answer before the transfer has started. */
const UNSETTLED: ReadonlySet<TransferState> = new Set([
  TransferState.RESOLVING,
  TransferState.CHECKING,
  TransferState.PAUSED,
  TransferState.FINISHED,
]);
const WATCH_MS = 100;

/** `enjambre resume`: resumes paused or failed transfers. Throws `aborted` if one soon fails again. */
export async function resume(session: Session, selection: Selection): Promise<void> {
  const refs = await selected(session, selection, isStopped);
  await forEach(session, refs, (ref) => resumeOne(session, ref));
}

async function resumeOne(session: Session, ref: string): Promise<void> {
  const its = await transferRef(ref, session);
  const begun = await withAgent(session, (agent) => agent.resume(its));
  const transfer = await settled(session, begun);
  session.output.object(transferJson('transfer', transfer));
  const name = plain(transfer.name);
  if (transfer.state === TransferState.FAILED)
    throw new EnjambreError(
      'aborted',
      transfer.reason || 'TRANSFER_FAILED',
      `${name} failed again: ${plain(messageOf(transfer))}`,
    );
  if (transfer.state === TransferState.MISSING)
    throw new EnjambreError(
      'aborted',
      'CONTENT_MISSING',
      `${name} still waits for its files: ${plain(messageOf(transfer))}`,
    );
  const state = transfer.state === TransferState.PAUSED ? '' : `: ${stateWord(transfer.state)}`;
  session.output.line(`${name} is resumed${state}`);
}

/** The transfer as soon as its state shows whether it runs again, or after {@link SETTLE_MS}. */
async function settled(session: Session, begun: Transfer): Promise<Transfer> {
  if (!UNSETTLED.has(begun.state)) return begun;
  const deadline = AbortSignal.timeout(SETTLE_MS);
  const signal = AbortSignal.any([session.signal, deadline]);
  let last = begun;
  try {
    await withAgent({ ...session, signal }, async (agent) => {
      for await (last of agent.watch(begun.infohash, WATCH_MS)) if (!UNSETTLED.has(last.state)) return;
    });
  } catch (error) {
    if (!deadline.aborted || session.signal.aborted) throw error;
  }
  return last;
}

export interface RemoveOptions {
  /** Also delete the downloaded files. */
  readonly data: boolean;
  /** Including files that existed before the download, or changed since. @default false */
  readonly force?: boolean;
}

/** `enjambre rm`: removes transfers. */
export async function remove(
  session: Session,
  selection: Selection,
  { data, force = false }: RemoveOptions,
): Promise<void> {
  if (force && !data) {
    const message = '--force extends --data: give both, or neither';
    throw new EnjambreError('invalid', 'USAGE', message);
  }
  const { output } = session;
  await forEach(session, await selected(session, selection), async (ref) => {
    const its = await transferRef(ref, session);
    const removed = await withAgent(session, (agent) => agent.remove(its, { data, force }));
    output.object(removedJson(removed));
    for (const line of removedLines(removed)) output.line(line);
  });
}
