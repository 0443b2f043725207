import { PLAINTEXT } from '@enjambre/rpc/credentials';
import { Dialer } from '@enjambre/rpc/dialer';

/** What tests and benchmarks dial with. */
export const dialer = new Dialer({ credentials: PLAINTEXT });
