import { MAX_BENCODE_BYTES } from '@enjambre/core/bencode-value';
import { infoHashToBytes, type InfoHash } from '@enjambre/core/ids';
import { badMetainfo, type Metainfo } from '@enjambre/core/metainfo';
import { parseMetainfoSteps } from '@enjambre/core/metainfo-parse';
import type { Steps } from '@enjambre/core/steps';
import { Serial } from '@enjambre/common/async/serial';
import { turns } from '@enjambre/common/async/turns';
import { readStream } from '@enjambre/rpc/client';
import type { PeerServiceClient } from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import { MetainfoMemory } from './metainfo-memory.js';

/** Maximum time for a metainfo, even over a slow link: {@link MetainfoRace} drops peers that send too little. */
const METAINFO_TIMEOUT_MS = 15 * 60_000;
/** Parsing metainfo takes up to a hundred times its bytes in memory: larger ones are parsed one after the other. */
const PARSED_AT_ONCE_BYTES = 64 << 10;

/** Fetches metainfo from untrusted peers; the memory that they can occupy is bounded over all fetches. */
export class MetainfoFetch {
  readonly #memory = new MetainfoMemory();
  readonly #parses = new Serial();

  /** @param parse throws `invalid` BAD_METAINFO, also for a different infohash than expected */
  constructor(
    private readonly parse: (bytes: Uint8Array, expected: InfoHash) => Steps<Metainfo> = parseMetainfoSteps,
  ) {}

  /** Throws `invalid` BAD_METAINFO, `UnusableTorrent`, `exhausted` METAINFO_MEMORY, and errors of the call. */
  async from(
    client: PeerServiceClient,
    infohash: InfoHash,
    signal: AbortSignal,
    /** Bytes received, and total bytes. */
    received: (bytes: number, total: number) => void,
  ): Promise<Metainfo> {
    let size = 0;
    try {
      const call = client.getMetainfo(
        { infohash: infoHashToBytes(infohash) },
        { deadline: Date.now() + METAINFO_TIMEOUT_MS },
      );
      const chunks: Buffer[] = [];
      for await (const { totalLength, chunk } of readStream(call, signal)) {
        if (totalLength > MAX_BENCODE_BYTES || size + chunk.length > totalLength) {
          throw badMetainfo('it is too long');
        }
        this.#memory.take(chunk.length);
        size += chunk.length;
        chunks.push(Buffer.from(chunk));
        received(size, totalLength);
      }
      const bytes = Buffer.concat(chunks);
      const parse = (): Promise<Metainfo> => turns.run(until(signal, this.parse(bytes, infohash)));
      return await (size <= PARSED_AT_ONCE_BYTES ? parse() : this.#parses.runUnless(signal, parse));
    } finally {
      this.#memory.release(size);
    }
  }
}

/** Throws the reason of `signal` instead of the next step when it aborts. */
function* until<T>(signal: AbortSignal, steps: Steps<T>): Steps<T> {
  for (;;) {
    signal.throwIfAborted();
    const step = steps.next();
    if (step.done === true) return step.value;
    yield;
  }
}
