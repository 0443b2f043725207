/**
 * The part of a peer's address that it cannot change at will: an IPv4 address, the first 64 bits of an IPv6 address, or
 * the text itself for anything else, such as a Unix socket.
 *
 * @param peer "HOST:PORT", as gRPC reports it: an IPv6 host may be in brackets or not
 */
export function networkOf(peer: string): string {
  const found = /^\[?([0-9a-f:.%\w-]+?)\]?:(\d+)$/i.exec(peer);
  const host = found?.[1];
  if (host === undefined || peer.startsWith('unix:')) return peer;
  const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i.exec(host)?.[1];
  if (mapped !== undefined) return mapped;
  if (!host.includes(':')) return host;
  const [head = '', tail] = (host.split('%', 1)[0] ?? '').toLowerCase().split('::');
  const groups = head === '' ? [] : head.split(':');
  const after = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros = tail === undefined ? 0 : Math.max(0, 8 - groups.length - after.length);
  const all = [...groups, ...Array<string>(zeros).fill('0'), ...after];
  return `${all
    .slice(0, 4)
    .map((group) => group.replace(/^0+(?=.)/, ''))
    .join(':')}::/64`;
}
