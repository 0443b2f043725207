import { EnjambreError } from '@enjambre/core/error';
import type { PeerConnector } from '../../src/app/ports/peers.js';
import { MemorySwarm } from '../support/memory-swarm.js';
import { CONTENT, type SwarmSite } from './contract.js';

/** A swarm in memory. @param between wraps the connector under test */
export function memorySite(between = (connector: PeerConnector): PeerConnector => connector): SwarmSite {
  const swarm = new MemorySwarm(CONTENT);
  return {
    connector: () => between(swarm),
    uploader: (name, has) => {
      const uploader = swarm.uploader(name);
      if (has) uploader.only(...has);
      const leave = (): void =>
        uploader.leave(new EnjambreError('unavailable', 'GONE', 'the uploader is gone'));
      return Promise.resolve({
        address: uploader.address,
        gain: (...pieces) => uploader.gain(...pieces),
        hold: () => uploader.hold(),
        release: () => uploader.release(),
        withdraw: leave,
        kill: () => {
          leave();
          return Promise.resolve();
        },
        links: () => uploader.links,
        known: () => [...uploader.known],
        bytesPerSecond: () => uploader.paces.at(-1) ?? 0,
      });
    },
    informant: (name, bytes) => {
      const uploader = swarm.uploader(name);
      if (bytes) uploader.bytes = bytes;
      else uploader.isSilent = true;
      return Promise.resolve(uploader.address);
    },
    close: () => Promise.resolve(),
  };
}
