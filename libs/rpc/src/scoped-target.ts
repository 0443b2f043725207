import { experimental } from '@grpc/grpc-js';
import { parseTcpAddress } from '@enjambre/common/config/address';

type ResolverConstructor = Parameters<typeof experimental.registerResolver>[1];
type Listener = ConstructorParameters<ResolverConstructor>[1];
type Target = ConstructorParameters<ResolverConstructor>[0];

const SCHEME = 'scoped';

/**
 * Leads to an address of one link, such as [fe80::1%eth0]:7070. The interface means something to this machine only: it
 * is no part of what the server is told, and grpc-js, which makes a URL of the whole, could not connect.
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

/** What grpc-js takes for an address as `formatAddress` writes it. */
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
