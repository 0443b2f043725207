import { isSharedAt, placesOf } from '../../domain/copies.js';
import type { Transfer } from './transfer.js';

/** Index of shares by path. */
export class SharedPaths {
  readonly #shares = new Map<string, Set<Transfer>>();

  at(path: string): Transfer[] {
    return [...(this.#shares.get(path) ?? [])].filter(({ home }) => isSharedAt(home, path));
  }

  /** Adds all paths that a transfer is shared from. */
  add(transfer: Transfer): void {
    for (const { origin, location } of placesOf(transfer.home))
      if (origin) this.#shares.set(location, (this.#shares.get(location) ?? new Set()).add(transfer));
  }

  /** Removes all paths of a transfer. */
  delete(transfer: Transfer): void {
    for (const { location } of placesOf(transfer.home)) this.forget(transfer, location);
  }

  forget(transfer: Transfer, path: string): void {
    const shares = this.#shares.get(path);
    shares?.delete(transfer);
    if (shares?.size === 0) this.#shares.delete(path);
  }
}
