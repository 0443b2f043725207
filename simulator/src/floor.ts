import type { HostSpec, Scenario } from './scenario.js';

/**
 * Lower bound, in milliseconds, on the time of a downloader, if all links were always full of
 * useful bytes: no faster than its own link, than the seeders send each byte into the
 * swarm, and than all uplinks together carry a copy to each downloader present. Latency, the
 * forwarding by pieces and earlier joiners are not counted, so the bound cannot quite be reached.
 */
export function floorMs({ content, hosts }: Scenario, { down, joins }: HostSpec): number {
  const seederRate = sum(hosts.filter(({ seeder }) => seeder));
  if (joins)
    return (
      (content.bytes * 1000) / Math.min(down, sum(hosts.filter(({ seeder, joins: at }) => seeder ?? !at)))
    );
  const together = hosts.filter(({ seeder, joins: at, dies }) => !seeder && !at && !dies);
  const shared = (sum(hosts) - sum(hosts.filter(({ joins: at }) => at))) / Math.max(1, together.length);
  return (content.bytes * 1000) / Math.min(down, seederRate, shared);
}

function sum(hosts: readonly HostSpec[]): number {
  return hosts.reduce((total, { up }) => total + up, 0);
}
