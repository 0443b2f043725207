import type { Run } from './attack.js';
import { RawConnection, type RawConnectionInit } from './raw-connection.js';

/** Opens a connection to a victim; undefined, and counted, if the victim does not accept it. */
export async function reach(
  { from, tally }: Run,
  address: string,
  options: Pick<RawConnectionInit, 'window' | 'greets'> = {},
): Promise<RawConnection | undefined> {
  try {
    return await RawConnection.open({ address, from, tally, ...options });
  } catch (error) {
    tally.ended((error as NodeJS.ErrnoException).code ?? String(error));
    return undefined;
  }
}
