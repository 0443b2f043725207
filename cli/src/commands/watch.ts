import { sleep } from '@enjambre/common/async/sleep';
import type { Transfer } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { agentStream } from '../agent-client.js';
import type { Session } from '../context.js';
import { chosen, sort, tableOf } from '../render/listing.js';
import { selectedBytesOf } from '../render/selected.js';
import { formatPercent, plain, shorten } from '../render/text.js';
import { isInDoubt, TRANSFER_LIST } from '../render/transfer-list.js';
import { followStream } from './follow.js';

const INTERVAL_MS = 1000;

/**
 * `enjambre ls --watch`, until Ctrl-C: redraws the list on a terminal. Elsewhere it prints the transfers, and each one
 * again when its state or percentage changes.
 */
export async function watchList(session: Session): Promise<void> {
  const { output } = session;
  // Refuses unknown columns before it starts.
  const columns = chosen(TRANSFER_LIST.columns, output);
  const told = new Told();
  for await (const all of followStream(session, () => polled(session))) {
    const transfers = sort(all, TRANSFER_LIST.columns, output.layout);
    if (output.redraws) {
      output.redraw(screenful(transfers, session));
      continue;
    }
    const { changed, removed } = told.changes(transfers);
    for (const transfer of changed) output.object(TRANSFER_LIST.json(transfer));
    if (output.quiet) for (const transfer of changed) output.line(TRANSFER_LIST.id(transfer));
    else if (changed.length > 0) output.line(tableOf(changed, columns, output, { header: told.isNew }));
    for (const { infohash, name } of removed) {
      output.object({ type: 'removed', infohash, name });
      if (!output.quiet) output.line(`${plain(name)} is removed`);
    }
  }
  output.keep();
}

/** What was printed of each transfer. */
class Told {
  /** True until the first transfers are printed. */
  isNew = true;
  #printed = new Map<string, Transfer>();

  changes(now: readonly Transfer[]): Readonly<Record<'changed' | 'removed', readonly Transfer[]>> {
    const before = this.#printed;
    this.#printed = new Map(now.map((transfer) => [transfer.infohash, transfer]));
    this.isNew = before.size === 0;
    const changed = now.filter(
      (transfer) => summaryOf(before.get(transfer.infohash)) !== summaryOf(transfer),
    );
    const removed = Array.from(before.values()).filter(({ infohash }) => !this.#printed.has(infohash));
    return { changed, removed };
  }
}

async function* polled(session: Session): AsyncGenerator<readonly Transfer[], void, undefined> {
  yield* agentStream(session, async function* (agent) {
    do yield await agent.transfers();
    while (await sleep(INTERVAL_MS, session.signal));
  });
}

/** As many lines as the terminal has; the last one counts the transfers that do not fit. */
function screenful(transfers: readonly Transfer[], { output }: Session): string[] {
  if (transfers.length === 0) return ['no transfers'];
  const columns = chosen(TRANSFER_LIST.columns, output);
  const { colors, terminalWidth: width } = output;
  const lines = tableOf(transfers, columns, { colors, width }).split('\n');
  const fitting = output.rows - 1;
  if (lines.length <= fitting) return lines;
  return [
    ...lines.slice(0, fitting - 1),
    shorten(`… and ${lines.length - fitting + 1} more`, output.terminalWidth),
  ];
}

/** Rates change all the time: they are no reason for another line. */
function summaryOf(transfer: Transfer | undefined): string {
  if (!transfer) return '';
  const done = isInDoubt(transfer) ? '?' : formatPercent(transfer.doneBytes, selectedBytesOf(transfer));
  return [transfer.state, done, transfer.name].join('\n');
}
