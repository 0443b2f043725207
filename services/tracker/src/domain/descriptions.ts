import type { InfoHash } from '@enjambre/core/ids';
import type { Catalogue, FileRecord } from './catalogue.js';
import { Claim, claimLike, withClaim, withoutUnsupported, withRecord } from './claims.js';
import type { Directory } from './directory.js';
import { checkFileSummary, sameSummary, type FileSummary } from './file-summary.js';
import type { Member, Swarm } from './swarm.js';

/** What members of swarms, and the network's records, say of files. */
export class Descriptions {
  constructor(
    private readonly directory: Directory,
    private readonly catalogue: Catalogue | undefined,
  ) {}

  /**
   * Takes what a member says of its file, in place of what it said before. A member that says otherwise than the first
   * one stays a member, and both are listed: then the result is false.
   *
   * @param file checked
   */
  describe(member: Member, file: FileSummary): boolean {
    const { swarm, session } = member;
    if (sameSummary(file, member.claim?.file)) return true;
    const known = this.catalogue?.get(swarm.infohash);
    if (swarm.claims.length === 0 && known) this.settle(known);
    this.unsay(member);
    const present = claimLike(swarm.claims, file);
    const claim = present ?? new Claim(swarm, file, session.party, undefined);
    const claims = present ? swarm.claims : withClaim(swarm.claims, claim);
    // Without room it is not listed, but it is what the member says: its next announce brings nothing new.
    claim.supporters += 1;
    member.claim = claim;
    if (claims) this.directory.setClaims(swarm, withoutUnsupported(claims));
    return swarm.claims[0] === claim;
  }

  /** Ends what a member says of its file. */
  unsay(member: Member): void {
    const { swarm, claim } = member;
    if (!claim) return;
    claim.supporters -= 1;
    member.claim = undefined;
    this.directory.setClaims(swarm, withoutUnsupported(swarm.claims));
  }

  /**
   * Applies the network's record of a file: its description comes before those of members that say otherwise. Throws
   * the errors of {@link checkFileSummary}.
   */
  settle({ infohash, file, firstShare }: FileRecord): void {
    checkFileSummary(file);
    const swarm = this.directory.swarm(infohash);
    if (!swarm || swarm.size === 0) return;
    const recorded = claimLike(swarm.claims, file) ?? new Claim(swarm, file, '', firstShare);
    recorded.firstShare = firstShare ?? recorded.firstShare;
    this.directory.setClaims(swarm, withRecord(swarm.claims, recorded));
  }

  /** Stores a forgotten record again if peers of this tracker have the file. */
  remind(infohash: InfoHash): void {
    const swarm = this.directory.swarm(infohash);
    if (swarm?.hasLocal() === true) this.record(swarm);
  }

  /** Notes the first description of a file for the network. */
  record({ infohash, claims: [first] }: Swarm): void {
    if (!first) return;
    const { file, firstShare, party } = first;
    this.catalogue?.note({ infohash, file, firstShare }, party);
  }
}
