import type { PeerIdentity } from '@enjambre/common/identity/identity';
import { signPublication } from '@enjambre/common/identity/publication-record';
import type { PublicationSigner } from '../app/ports/tracker.js';

/** Signs with the agent's identity. */
export function publicationSigner(identity: PeerIdentity, publisherName: string): PublicationSigner {
  return {
    sign: ({ infohash, name, version, publishedAtMs: at }) =>
      signPublication(identity, { infohash, name, version, at, publisherName }).toString('base64'),
  };
}
