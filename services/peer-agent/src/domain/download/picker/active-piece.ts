import type { PeerId } from '@enjambre/core/ids';

/** State of one block of a piece. */
export interface BlockState {
  /** Peers that were asked and whose answer is still wanted. */
  readonly askedOf: PeerId[];
  /** The peer that sent it; undefined until it arrives. */
  sender: PeerId | undefined;
  /** The number of the sender's link. */
  link: number;
  /** Root of its leaves; undefined until it is on disk. */
  digest: Buffer | undefined;
}

/** A piece with at least one requested block that is not verified yet. */
export class ActivePiece {
  readonly blocks: readonly BlockState[];
  #stored = 0;

  /**
   * @param onParole the piece failed before with several senders: all of it is requested from one peer, so that the
   * next failure has one author and a success exposes the culprits
   */
  constructor(
    readonly index: number,
    blockCount: number,
    readonly onParole: boolean,
  ) {
    this.blocks = Array.from({ length: blockCount }, () => ({
      askedOf: [],
      sender: undefined,
      link: 0,
      digest: undefined,
    }));
  }

  /** The first unrequested block, or -1. */
  nextFree(): number {
    return this.blocks.findIndex((block) => block.askedOf.length === 0 && block.sender === undefined);
  }

  /** Number of unrequested blocks. */
  freeCount(): number {
    return this.blocks.reduce((sum, block) => sum + (block.askedOf.length === 0 && !block.sender ? 1 : 0), 0);
  }

  /** Records the digest of a stored block. True if it was the last one. */
  store(block: number, digest: Buffer): boolean {
    const state = this.blocks[block];
    if (!state || state.digest) return false;
    state.digest = digest;
    this.#stored += 1;
    return this.#stored === this.blocks.length;
  }

  /** The digests of a piece whose blocks are all stored. */
  digests(): Buffer[] {
    return this.blocks.flatMap(({ digest }) => (digest ? [digest] : []));
  }

  /** True if no block is requested, received or stored. */
  isUntouched(): boolean {
    return this.blocks.every((block) => block.askedOf.length === 0 && block.sender === undefined);
  }
}
