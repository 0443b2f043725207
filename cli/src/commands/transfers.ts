import { withAgent } from '../agent-client.js';
import type { Session } from '../context.js';
import { transferRef } from '../ref.js';
import { transferJson } from '../render/json.js';
import { printList } from '../render/listing.js';
import { describeTransfer } from '../render/transfer-details.js';
import { TRANSFER_LIST } from '../render/transfer-list.js';
import { forEach } from '../several.js';

/** `enjambre ls`: the transfers of the agent. */
export async function list(session: Session): Promise<void> {
  const transfers = await withAgent(session, (agent) => agent.transfers());
  printList(session.output, transfers, TRANSFER_LIST);
  if (transfers.length === 0)
    session.output.hint('no transfers yet: start one with `enjambre share PATH` or `enjambre get REF`');
}

/** `enjambre status`: transfers in detail. */
export async function status(session: Session, refs: readonly string[]): Promise<void> {
  const { output, context } = session;
  await forEach(session, refs, async (ref) => {
    const found = await withAgent(session, async (agent) => agent.transfer(await transferRef(ref, session)));
    output.object(transferJson('transfer', found));
    if (ref !== refs[0]) output.line();
    for (const line of describeTransfer(found, output, context.now())) output.line(line);
  });
}
