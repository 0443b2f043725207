import type { InfoHash } from '@enjambre/core/ids';
import { hasRight, rightMissing, type Limited } from '@enjambre/core/trust/rights';
import type { Directory } from '../domain/directory.js';
import type { Offer, Report } from '../domain/swarm-registry.js';
import type { Session } from '../domain/swarm.js';

/** A file that a peer describes. */
type Described = Pick<Offer, 'infohash' | 'file' | 'publications'>;

/** What the certificate of a session allows it in the network. Without TLS, everything. */
export class MemberRights {
  constructor(
    private readonly holder: Limited | undefined,
    private readonly directory: Pick<Directory, 'claims'>,
  ) {}

  /**
   * Returns an offer that the session may make. Who has downloaded a file may offer it to others as well, since somebody
   * with the right to share it has done so. Throws `denied`, RIGHT_MISSING.
   */
  sharing(offer: Offer, { peer }: Session): Offer {
    if (this.#mayOffer(offer, peer)) return offer;
    throw rightMissing('share', offer.file.name);
  }

  /**
   * The report of a download, without what the session may not say: a description of a file that it may not offer would
   * list that file.
   */
  announcing(report: Report, { peer }: Session): Report {
    const { file } = report;
    if (!this.holder?.may || !file || this.#mayOffer({ ...report, file }, peer)) return report;
    return { ...report, file: undefined, publications: [] };
  }

  #mayOffer(offer: Described, peer: Session['peer']): boolean {
    const { name } = offer.file;
    if (hasRight(this.holder, 'share', name)) return true;
    return hasRight(this.holder, 'get', name) && this.#isOfOthers(offer, peer);
  }

  /** Returns a file whose peers the session may see. A file that nobody has shared has none. Throws `denied`, RIGHT_MISSING. */
  watching(infohash: InfoHash): InfoHash {
    const claims = this.directory.claims(infohash);
    const mayGet = claims.some(({ file }) => hasRight(this.holder, 'get', file.name));
    if (claims.length > 0 && !mayGet) throw rightMissing('get');
    return infohash;
  }

  /** True if another peer shares this file under this name, or has signed that it did. */
  #isOfOthers({ infohash, file, publications = [] }: Described, peer: Session['peer']): boolean {
    return (
      this.directory.claims(infohash).some((claim) => claim.file.name === file.name) ||
      publications.some(
        (each) =>
          each.publisher.id !== peer.id &&
          each.infohash === infohash &&
          each.name === file.name &&
          each.verify(),
      )
    );
  }
}
