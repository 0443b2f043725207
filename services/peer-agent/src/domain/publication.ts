import type { PeerId } from '@enjambre/core/ids';

/** A version of a name, by its publisher: the peer that shared it under that name, as the tracker knows it. */
export interface Publication {
  readonly publisher: { readonly id: PeerId; readonly name: string };
  /** From 1; higher for each content that the publisher shares under the name. */
  readonly version: number;
  /** When the tracker received it, in milliseconds since 1970. */
  readonly publishedAtMs: number;
}
