import { formatAddress, type Address } from '@enjambre/common/config/address';
import type { Startable } from '@enjambre/common/lifecycle/lifecycle';
import type { Logger } from '@enjambre/common/log/logger';

interface Listening {
  readonly server: { readonly address: Address };
  readonly log: Logger;
}

/**
 * Start it when the server of `service` listens: it logs the address. On stop it ends open streams before the
 * server stops.
 */
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
