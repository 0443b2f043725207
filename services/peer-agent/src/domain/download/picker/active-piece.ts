import type { PeerId } from '@enjambre/core/ids';

/** How far one block of a piece is. */
export interface BlockState {
  /** Peers that were asked and whose answer is still wanted. */
  readonly askedOf: PeerId[];
  /** Who sent it; undefined until it arrived. */
  sender: PeerId | undefined;
  /** Root of its leaves; undefined until it is on disk. */
  digest: Buffer | undefined;
}

/** A piece of which at least one block was asked for and that is not verified yet. */
export class ActivePiece {
  readonly blocks: readonly BlockState[];
  #stored = 0;

  /**
   * @param onParole it failed before with several senders: one peer is asked for all of
   *   it, so that the next failure has one author and a success names the culprits
   */
  constructor(
    readonly index: number,
    blockCount: number,
    readonly onParole: boolean,
  ) {
    this.blocks = Array.from({ length: blockCount }, () => ({
      askedOf: [],
      sender: undefined,
      digest: undefined,
    }));
  }

  /** The first block that nobody was asked for, or -1. */
  nextFree(): number {
    return this.blocks.findIndex((block) => block.askedOf.length === 0 && block.sender === undefined);
  }

  /** How many blocks nobody was asked for. */
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

  /** True if nothing of it is asked for, arrived or stored. */
  isUntouched(): boolean {
    return this.blocks.every((block) => block.askedOf.length === 0 && block.sender === undefined);
  }
}
