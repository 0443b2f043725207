import { waitFor } from '@enjambre/harness/wait-for';
import type { Transfer } from '../../src/app/transfer/transfer.js';

/** Resolves with the transfer once it has reached the state. */
export async function inState(transfer: Transfer, state: Transfer['state']): Promise<Transfer> {
  await waitFor(() => transfer.state === state, {
    what: `the transfer to be ${state}`,
    everyMs: 5,
    seen: () => [transfer.state, transfer.view().message],
  });
  return transfer;
}
