import type { InfoHash } from '@enjambre/core/ids';
import { hasRight, rightMissing, type Limited } from '@enjambre/core/trust/rights';
import { certifiedCaller } from '@enjambre/rpc/caller';
import type { Directory } from '../domain/directory.js';
import type { Offer } from '../domain/swarm-registry.js';
import type { Session } from '../domain/swarm.js';

/** What the certificate of a session allows it in the network. Without TLS, everything. */
export class MemberRights {
  readonly #holder: Limited | undefined;

  constructor(
    call: object,
    private readonly directory: Pick<Directory, 'claims'>,
  ) {
    this.#holder = certifiedCaller(call);
  }

  /**
   * Returns an offer that the session may make. Who has downloaded a file may offer it to others as well, since somebody
   * with the right to share it has done so. Throws `denied`, RIGHT_MISSING.
   */
  sharing(offer: Offer, { peer }: Session): Offer {
    const { infohash, file, publications = [] } = offer;
    if (hasRight(this.#holder, 'share', file.name)) return offer;
    const isOfOthers =
      publications.some(({ publisher }) => publisher.id !== peer.id) ||
      this.directory.claims(infohash).length > 0;
    if (isOfOthers && hasRight(this.#holder, 'get', file.name)) return offer;
    throw rightMissing('share', file.name);
  }

  /** Returns a file whose peers the session may see. A file that nobody has shared has none. Throws `denied`, RIGHT_MISSING. */
  watching(infohash: InfoHash): InfoHash {
    const claims = this.directory.claims(infohash);
    const mayGet = claims.some(({ file }) => hasRight(this.#holder, 'get', file.name));
    if (claims.length > 0 && !mayGet) throw rightMissing('get');
    return infohash;
  }
}
