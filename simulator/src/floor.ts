import type { HostSpec, Scenario } from './scenario.js';

/**
 * The least time, in milliseconds, in which a downloader could have the content, were everybody's links full of
 * useful bytes all the time: no faster than its own link, than the seeders put each byte into the
 * world, and than all uplinks together carry a copy to each of those who are there with it. Latency, the
 * piecewise passing on and whoever joined before are not counted, so it cannot quite be reached.
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
