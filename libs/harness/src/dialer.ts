import { PLAINTEXT } from '@enjambre/rpc/credentials';
import { Dialer } from '@enjambre/rpc/dialer';

/** The dialer of tests and benchmarks. */
export const dialer = new Dialer({ credentials: PLAINTEXT });
