import { TransferState, type Transfer } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { withAgent } from '../agent-client.js';
import type { Session } from '../context.js';
import { transferRef } from '../ref.js';
import { forEach, selected, type Selection } from '../several.js';
import { transferJson, verifiedJson, type Findings } from '../render/json.js';
import { selectedPiecesOf } from '../render/selected.js';
import { count, formatBytes, plain, shortDigits } from '../render/text.js';
import { isWhole } from '../render/transfer-state.js';
import { untilWhole } from './until-whole.js';

export interface VerifyOptions {
  /** Wait until the check is finished and damaged pieces are downloaded again. */
  readonly wait: boolean;
}

/** `enjambre verify`: lets the agent check all data on disk. Throws `aborted` if the data cannot be completed. */
export async function verify(session: Session, selection: Selection, options: VerifyOptions): Promise<void> {
  const refs = await selected(session, selection);
  await forEach(session, refs, (ref) => verifyOne(session, ref, options));
}

async function verifyOne(session: Session, ref: string, { wait }: VerifyOptions): Promise<void> {
  const its = await transferRef(ref, session);
  await withAgent(session, async (agent) => {
    const transfer = await agent.verify(its);
    if (!wait) {
      begun(session, transfer);
      return;
    }
    const check = new Check(transfer);
    try {
      await untilWhole(session, agent, transfer, { seen: (now) => check.see(now) });
    } finally {
      if (check.findings) tell(session, check.findings);
    }
  });
}

/** States in which the number of intact pieces is unknown. */
const UNKNOWN_YET: ReadonlySet<TransferState> = new Set([
  TransferState.CHECKING,
  TransferState.RESOLVING,
  TransferState.MISSING,
]);

/** Separates the pieces that were intact at the check from those downloaded again afterwards. */
class Check {
  #good: number | undefined;
  #last: Transfer;

  constructor(private readonly first: Transfer) {
    this.#last = first;
  }

  /** Undefined before the check is finished. */
  get findings(): Findings | undefined {
    if (this.#good === undefined) return undefined;
    return { transfer: this.#last, piecesGood: this.#good, bytesFetched: this.#fetched };
  }

  see(transfer: Transfer): void {
    this.#last = transfer;
    const { state } = transfer;
    if (UNKNOWN_YET.has(state)) return;
    // An update with part of a piece counts that piece as repaired: none counts too few of them.
    this.#good = Math.max(this.#good ?? 0, transfer.donePieceCount - this.#repaired);
  }

  get #fetched(): bigint {
    return this.#last.downloadedBytes - this.first.downloadedBytes;
  }

  /** Pieces that were downloaded again until the last update, or are being. */
  get #repaired(): number {
    const { pieceLength, donePieceCount } = this.#last;
    return pieceLength === 0n
      ? 0
      : Math.min(donePieceCount, Math.ceil(Number(this.#fetched) / Number(pieceLength)));
  }
}

function begun({ output }: Session, transfer: Transfer): void {
  output.object(transferJson('transfer', transfer));
  const status = `\`enjambre status ${shortDigits(transfer.infohash)}\``;
  output.line(`${plain(transfer.name)} is being checked`);
  output.hint(`${status} shows its progress`);
}

function tell({ output }: Session, findings: Findings): void {
  const { transfer, piecesGood, bytesFetched } = findings;
  output.object(verifiedJson(findings));
  const pieceCount = selectedPiecesOf(transfer);
  const isComplete = isWhole(transfer);
  const again = piecesGood === pieceCount ? '' : ' again';
  const good = `${piecesGood.toLocaleString('en')} of ${count(pieceCount, 'piece')} intact`;
  const fetched = bytesFetched > 0n ? `, ${formatBytes(bytesFetched)} downloaded again` : '';
  output.line(
    `${plain(transfer.name)} is ${isComplete ? `complete${again}` : 'incomplete'}: ${good}${fetched}`,
  );
}
