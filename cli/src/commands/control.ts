import { EnjambreError } from '@enjambre/core/error';
import type { Transfer } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { withAgent, type AgentClient } from '../agent-client.js';
import type { Session } from '../context.js';
import { transferRef } from '../ref.js';
import { transferJson } from '../render/json.js';
import { removedJson, removedLines } from '../render/removed.js';
import { plain, shortDigits } from '../render/text.js';
import { stateWord } from '../render/transfer-state.js';

/** `enjambre pause`: stops a transfer; what is there stays. */
export async function pause(session: Session, ref: string): Promise<void> {
  const transfer = await change(session, ref, (agent, its) => agent.pause(its));
  session.output.line(
    `${plain(transfer.name)} is paused: \`enjambre resume ${shortDigits(transfer.infohash)}\` goes on with it`,
  );
}

/** `enjambre resume`: goes on with a paused or failed transfer. */
export async function resume(session: Session, ref: string): Promise<void> {
  const transfer = await change(session, ref, (agent, its) => agent.resume(its));
  const state = stateWord(transfer.state);
  if (state === 'failed') {
    const message = `${plain(transfer.name)} failed again: ${plain(transfer.reason)}`;
    throw new EnjambreError('aborted', 'TRANSFER_FAILED', message);
  }
  // The agent may answer before it has begun.
  session.output.line(`${plain(transfer.name)} goes on${state === 'paused' ? '' : `: ${state}`}`);
}

export interface RemoveOptions {
  /** Delete what was downloaded, too. */
  readonly data: boolean;
  /** Of that, also what was there before, or changed since. @default false */
  readonly force?: boolean;
}

/** `enjambre rm`: forgets a transfer. */
export async function remove(
  session: Session,
  ref: string,
  { data, force = false }: RemoveOptions,
): Promise<void> {
  if (force && !data) {
    const message = '--force says what --data may delete: give both, or neither';
    throw new EnjambreError('invalid', 'USAGE', message);
  }
  const { output } = session;
  const its = await transferRef(ref, session);
  const removed = await withAgent(session, (agent) => agent.remove(its, { data, force }));
  output.object(removedJson(removed));
  for (const line of removedLines(removed)) output.line(line);
}

async function change(
  session: Session,
  ref: string,
  apply: (agent: AgentClient, ref: string) => Promise<Transfer>,
): Promise<Transfer> {
  const its = await transferRef(ref, session);
  const transfer = await withAgent(session, (agent) => apply(agent, its));
  session.output.object(transferJson('transfer', transfer));
  return transfer;
}
