/**
 * What an address is for. `reserved` addresses lead to no single machine: "this network" (0.0.0.0/8), 240.0.0.0/4 with
 * the broadcast address, and the deprecated IPv6 forms of IPv4 addresses (::/96).
 */
export type AddressKind = 'unicast' | 'loopback' | 'link-local' | 'multicast' | 'unspecified' | 'reserved';

const IPV4_BITS = 32;
const IPV6_BITS = 128;
/** Groups of 16 bits in an IPv6 address. */
const GROUPS = 8;
/** ::ffff:0:0/96: an IPv4 address as an IPv6 socket shows it. */
const MAPPED = 0xffffn;

/** An IPv4 or IPv6 address. An IPv4 address in IPv6 form (::ffff:10.0.0.7) is that IPv4 address; a zone is ignored. */
export class IpAddress {
  private constructor(
    /** As a number, most significant bit first. */
    readonly value: bigint,
    /** 32 or 128. */
    readonly bits: number,
  ) {}

  /** Undefined for anything else, such as a host name or the short and octal forms 127.1 and 0177.0.0.1. */
  static parse(text: string): IpAddress | undefined {
    const ipv4 = parseIpv4(text);
    if (ipv4 !== undefined) return new IpAddress(ipv4, IPV4_BITS);
    const ipv6 = parseIpv6(text.split('%', 1)[0] ?? '');
    if (ipv6 === undefined) return undefined;
    if (ipv6 >> 32n === MAPPED) return new IpAddress(ipv6 & 0xffff_ffffn, IPV4_BITS);
    return new IpAddress(ipv6, IPV6_BITS);
  }

  get kind(): AddressKind {
    if (this.value === 0n) return 'unspecified';
    return SPECIAL.find(([, range]) => range.contains(this))?.[0] ?? 'unicast';
  }

  /** True for the same address, however it is written. */
  equals({ value, bits }: IpAddress): boolean {
    return value === this.value && bits === this.bits;
  }
}

/** The addresses that begin with the same bits, as in 10.0.0.0/8. */
export class IpRange {
  private constructor(
    private readonly first: IpAddress,
    private readonly prefix: number,
  ) {}

  /** Reads `ADDRESS/BITS`, or an address alone; undefined for anything else. Bits after the prefix are ignored. */
  static parse(text: string): IpRange | undefined {
    const [host = '', length, ...rest] = text.split('/');
    const first = IpAddress.parse(host);
    if (!first || rest.length > 0 || host.includes('%')) return undefined;
    if (length === undefined) return new IpRange(first, first.bits);
    if (!/^(0|[1-9]\d{0,2})$/.test(length)) return undefined;
    // A range of IPv4 addresses in IPv6 form has 96 more bits.
    const prefix = Number(length) - (host.includes(':') ? IPV6_BITS - first.bits : 0);
    return prefix >= 0 && prefix <= first.bits ? new IpRange(first, prefix) : undefined;
  }

  contains({ value, bits }: IpAddress): boolean {
    const rest = BigInt(this.first.bits - this.prefix);
    return bits === this.first.bits && value >> rest === this.first.value >> rest;
  }
}

const SPECIAL = (
  [
    ['reserved', '0.0.0.0/8'],
    ['loopback', '127.0.0.0/8'],
    ['link-local', '169.254.0.0/16'],
    ['multicast', '224.0.0.0/4'],
    ['reserved', '240.0.0.0/4'],
    ['loopback', '::1'],
    ['reserved', '::/96'],
    ['link-local', 'fe80::/10'],
    ['multicast', 'ff00::/8'],
  ] as const
).flatMap(([kind, text]) => {
  const range = IpRange.parse(text);
  return range ? [[kind, range] as const] : [];
});

function parseIpv4(text: string): bigint | undefined {
  if (!/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return undefined;
  let value = 0n;
  for (const part of text.split('.')) {
    if (Number(part) > 255 || (part.length > 1 && part.startsWith('0'))) return undefined;
    value = (value << 8n) | BigInt(part);
  }
  return value;
}

function parseIpv6(text: string): bigint | undefined {
  const halves = text.split('::');
  if (halves.length > 2) return undefined;
  const [head, tail] = halves.map((half, at) => toGroups(half, at === halves.length - 1));
  if (!head || (halves.length === 2 && !tail)) return undefined;
  const known = head.length + (tail?.length ?? 0);
  if (tail ? known >= GROUPS : known !== GROUPS) return undefined;
  const groups = [...head, ...Array<number>(GROUPS - known).fill(0), ...(tail ?? [])];
  return groups.reduce((value, group) => (value << 16n) | BigInt(group), 0n);
}

/** The groups of a part without `::`; undefined if it is malformed. An IPv4 address ends the last part as two groups. */
function toGroups(part: string, isLast: boolean): number[] | undefined {
  if (part === '') return [];
  const texts = part.split(':');
  const last = isLast ? parseIpv4(texts.at(-1) ?? '') : undefined;
  if (last !== undefined) texts.splice(-1, 1, (last >> 16n).toString(16), (last & 0xffffn).toString(16));
  return texts.every((text) => /^[0-9a-f]{1,4}$/i.test(text))
    ? texts.map((text) => parseInt(text, 16))
    : undefined;
}
