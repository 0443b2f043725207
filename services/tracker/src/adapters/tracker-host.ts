import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { interfaceHosts } from '@enjambre/common/config/interface-hosts';

/** The host of a tracker, for the other trackers of the network. */
export interface TrackerHost {
  /** 32 hex digits: equal for trackers that share a loopback interface, and only for those. */
  readonly id: string;
  /** Addresses of its interfaces, best first, without loopback and link-local addresses. */
  readonly addresses: () => readonly string[];
}

/** This host. If the system does not identify its host, each start of a tracker counts as a separate host. */
export function thisHost(): TrackerHost {
  return { id: hostId(), addresses: () => interfaceHosts({ onlyIpv4: false }) };
}

/** Containers on one machine have the same boot id, but each network namespace has its own loopback. */
function hostId(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const network = readlinkSync('/proc/self/ns/net');
    return createHash('sha256').update(`enjambre host ${boot} ${network}`).digest('hex').slice(0, 32);
  } catch {
    return randomBytes(16).toString('hex');
  }
}
