import { createHash, randomBytes } from 'node:crypto';
import { readFileSync, readlinkSync } from 'node:fs';
import { interfaceHosts } from '@enjambre/common/config/interface-hosts';

/** The host of a tracker, for the network's other trackers. */
export interface TrackerHost {
  /** 32 hex digits: the same for trackers that share a loopback interface, and for no others. */
  readonly id: string;
  /** Addresses of its interfaces, best first: not loopback nor link-local ones. */
  readonly addresses: () => readonly string[];
}

/** This host. Where the system does not tell its hosts apart, each start of a tracker counts as one of its own. */
export function thisHost(): TrackerHost {
  return { id: hostId(), addresses: () => interfaceHosts({ onlyIpv4: false }) };
}

/** Containers of one machine share its boot, but loopback belongs to a network namespace. */
function hostId(): string {
  try {
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    const network = readlinkSync('/proc/self/ns/net');
    return createHash('sha256').update(`enjambre host ${boot} ${network}`).digest('hex').slice(0, 32);
  } catch {
    return randomBytes(16).toString('hex');
  }
}
