import { formatAddress, type Address } from '../config/address.js';
import type { Startable } from '../lifecycle/lifecycle.js';
import type { Logger } from '../log/logger.js';

interface Listening {
  readonly server: { readonly address: Address };
  readonly log: Logger;
}

/** To be started when the server of `service` listens, which is told then; ends open streams before the server stops. */
export function openStreams(
  service: string,
  { server, log }: Listening,
  open: readonly { stop(): void }[],
): Startable {
  return {
    start: () => {
      const address = formatAddress(server.address);
      log.info({ address }, `${service} listening on ${address}`);
      return Promise.resolve();
    },
    stop: () => {
      for (const each of open) each.stop();
      return Promise.resolve();
    },
  };
}
