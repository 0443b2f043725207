import type { PeerId } from '@enjambre/core/ids';
import type { Effect } from './effects.js';
import { badPublication, futurePublication } from './problems.js';
import type { Publications, SignedVersion } from './publications.js';
import type { Member } from './swarm.js';

/** Signed publications that the peers with a file bring, its publisher's own and others'. */
export class BroughtPublications {
  constructor(
    private readonly publications: Publications,
    /** The name under which others see a peer, connected or not. */
    private readonly nameOf: (peer: { readonly id: PeerId; readonly name: string }) => string,
  ) {}

  /**
   * Notes what a member brings of its file. True if one is the member's own. A member that also brings another
   * publisher's record shares a copy.
   *
   * @param isCopy other peers already had the file
   */
  note(
    { session, swarm, claim }: Member,
    records: readonly SignedVersion[],
    { isCopy, now }: { readonly isCopy: boolean; readonly now: number },
    effects: Effect[],
  ): boolean {
    const { party, peer } = session;
    let isSigned = false;
    for (const record of records) {
      const isOwn = record.publisher.id === peer.id;
      const isIts = record.infohash === swarm.infohash && record.name === claim?.file.name;
      const publisher = { id: record.publisher.id, name: this.nameOf(record.publisher) };
      const brought = { record: { ...record, publisher }, party, isOwn, now };
      const isOfCopy = isCopy || (isOwn && records.length > 1);
      const outcome = isIts ? this.publications.brought({ ...brought, isCopy: isOfCopy }) : 'foreign';
      if (outcome === 'future') effects.push(futurePublication(session));
      else if (outcome !== 'noted') effects.push(badPublication(session));
      else if (isOwn) isSigned = true;
    }
    return isSigned;
  }
}
