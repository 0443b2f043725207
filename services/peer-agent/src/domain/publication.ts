import type { PeerId } from '@enjambre/core/ids';
import { quote } from '@enjambre/core/quote';

/** A version of a name, by its publisher: the peer that shared it under that name, as the tracker knows it. */
export interface Publication {
  readonly publisher: { readonly id: PeerId; readonly name: string };
  /** From 1; higher for each content that the publisher shares under the name. */
  readonly version: number;
  /** When it was published, in milliseconds since 1970: as its publisher signed it, or when the tracker received it. */
  readonly publishedAtMs: number;
  /** As its publisher signed it, in base64; absent if the tracker has it without a signature. */
  readonly signed?: string;
}

/** A publication of this agent. */
export type OwnPublication = Required<Pick<Publication, 'version' | 'publishedAtMs' | 'signed'>>;

/** The longest {@link Publication.signed}. */
export const MAX_SIGNED_CHARS = 1000;

/** What a peer has published of a file; undefined if it has not published it under its name. */
export function byPublisher(
  { publications }: { readonly publications: readonly Publication[] },
  publisher: PeerId,
): Publication | undefined {
  return publications.find((its) => its.publisher.id === publisher);
}

/** A publisher in messages, with enough digits of its id to choose it. */
export function publisherText({ id, name }: Publication['publisher']): string {
  return `${quote(name)} (${id.slice(0, 16)})`;
}

/** Some of the publishers among which a person can choose. */
export function someOf(publishers: readonly Publication['publisher'][]): string {
  return publishers.slice(0, 5).map(publisherText).join(', ');
}
