import { EnjambreError } from '@enjambre/core/error';
import { IpAddress, IpRange } from '@enjambre/core/ip-address';
import { quote } from '@enjambre/core/quote';

const NAME = /^(\*\.)?[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*$/;
/** Ends like a number: resolvers read such a name as an address, as in 127.1 and 0x7f.1. */
const NUMERIC = /(^|\.)(\d+|0x[0-9a-f]*)$/;

/** Hosts at which agents may offer themselves although the tracker cannot verify that they are there. */
export class AllowedHosts {
  readonly #ranges: IpRange[] = [];
  readonly #names = new Set<string>();
  /** Each with a leading dot. */
  readonly #domains: string[] = [];

  /**
   * Each text is a range (10.0.0.0/8, fd99::/64), an address, a host name, or `*.DOMAIN` for all names in a domain.
   * Throws `invalid` BAD_HOST.
   */
  constructor(texts: readonly string[]) {
    for (const text of texts) this.#add(text);
  }

  allows(host: string): boolean {
    const address = IpAddress.parse(host);
    if (address) return this.#ranges.some((range) => range.contains(address));
    const name = host.toLowerCase().replace(/\.$/, '');
    if (NUMERIC.test(name)) return false;
    return this.#names.has(name) || this.#domains.some((domain) => name.endsWith(domain));
  }

  #add(text: string): void {
    const range = IpRange.parse(text);
    const name = text.toLowerCase().replace(/\.$/, '');
    if (range) this.#ranges.push(range);
    else if (!NAME.test(name) || NUMERIC.test(name)) throw badHost(text);
    else if (name.startsWith('*.')) this.#domains.push(name.slice(1));
    else this.#names.add(name);
  }
}

function badHost(text: string): EnjambreError {
  const message = `${quote(text)} is no address, range or name: write 10.0.0.0/8, fd99::/64, HOST or *.DOMAIN`;
  return new EnjambreError('invalid', 'BAD_HOST', message);
}
