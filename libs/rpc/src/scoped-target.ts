import { experimental } from '@grpc/grpc-js';
import { parseTcpAddress } from '@enjambre/common/config/address';

type ResolverConstructor = Parameters<typeof experimental.registerResolver>[1];
type Listener = ConstructorParameters<ResolverConstructor>[1];
type Target = ConstructorParameters<ResolverConstructor>[0];

const SCHEME = 'scoped';

/**
 * Resolves a link-local address with an interface, such as [fe80::1%eth0]:7070. The interface is local to
 * this machine: it must not be sent to the server, and grpc-js, which builds a URL from the whole, could not
 * connect.
 */
class ScopedResolver {
  #told = false;

  constructor(
    private readonly target: Target,
    private readonly listener: Listener,
  ) {}

  updateResolution(): void {
    if (this.#told) return;
    this.#told = true;
    const { host, port } = parseTcpAddress(this.target.path);
    process.nextTick(() =>
      this.listener(experimental.statusOrFromValue([{ addresses: [{ host, port }] }]), {}, null, ''),
    );
  }

  destroy(): void {
    this.#told = false;
  }

  static getDefaultAuthority({ path }: Target): string {
    return withoutZone(path);
  }
}

let isRegistered = false;

/** The grpc-js target for an address formatted by `formatAddress`. */
export function targetOf(address: string): string {
  if (!address.startsWith('[') || !address.includes('%')) return address;
  if (!isRegistered) experimental.registerResolver(SCHEME, ScopedResolver);
  isRegistered = true;
  return `${SCHEME}:${address}`;
}

/** "[fe80::1%eth0]:7070" without its interface. */
export function withoutZone(address: string): string {
  return address.replace(/%[^\]]*(?=\])/, '');
}
