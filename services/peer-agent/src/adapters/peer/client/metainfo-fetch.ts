import { MAX_BENCODE_BYTES } from '@enjambre/core/bencode-value';
import { infoHashToBytes, type InfoHash } from '@enjambre/core/ids';
import { badMetainfo, type Metainfo } from '@enjambre/core/metainfo';
import { parseMetainfoSteps } from '@enjambre/core/metainfo-parse';
import type { Steps } from '@enjambre/core/steps';
import { Serial } from '@enjambre/common/async/serial';
import { turns } from '@enjambre/common/async/turns';
import { readStream } from '@enjambre/rpc/client';
import type { Dialer } from '@enjambre/rpc/dialer';
import { PeerServiceClient } from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import { MAX_MESSAGE_BYTES } from '../limits.js';
import { MetainfoMemory } from './metainfo-memory.js';

/** The longest that one may take to come, however slow the way: who sends too little is left by {@link MetainfoRace}. */
const METAINFO_TIMEOUT_MS = 15 * 60_000;
/** Metainfo takes up to a hundred times its bytes in memory while it is parsed: larger ones are, one after the other. */
const PARSED_AT_ONCE_BYTES = 64 << 10;

/** How many bytes have come, and how many there are. */
export type MetainfoProgress = (bytes: number, total: number) => void;

/** Asks strangers for metainfo; what they make this agent hold is bounded for all of them together. */
export class MetainfoFetch {
  readonly #memory = new MetainfoMemory();
  readonly #parses = new Serial();

  /** @param parse throws `invalid` BAD_METAINFO, also if the infohash is not the expected one */
  constructor(
    private readonly dialer: Dialer,
    private readonly parse: (bytes: Uint8Array, expected: InfoHash) => Steps<Metainfo> = parseMetainfoSteps,
  ) {}

  /** Throws `invalid` BAD_METAINFO, `exhausted` METAINFO_MEMORY, and what the call throws. */
  async at(
    endpoint: string,
    infohash: InfoHash,
    signal: AbortSignal,
    progress: MetainfoProgress,
  ): Promise<Metainfo> {
    const client = this.dialer.client(PeerServiceClient, endpoint, {
      'grpc.max_receive_message_length': MAX_MESSAGE_BYTES,
    });
    let size = 0;
    try {
      const call = client.getMetainfo(
        { infohash: infoHashToBytes(infohash) },
        { deadline: Date.now() + METAINFO_TIMEOUT_MS },
      );
      const chunks: Buffer[] = [];
      for await (const { totalLength, chunk } of readStream(call, signal)) {
        if (totalLength > MAX_BENCODE_BYTES || size + chunk.length > totalLength) {
          throw badMetainfo('it is longer than it may be');
        }
        this.#memory.take(chunk.length);
        size += chunk.length;
        chunks.push(Buffer.from(chunk));
        progress(size, totalLength);
      }
      const bytes = Buffer.concat(chunks);
      const parse = (): Promise<Metainfo> => turns.run(until(signal, this.parse(bytes, infohash)));
      return await (size <= PARSED_AT_ONCE_BYTES ? parse() : this.#parses.runUnless(signal, parse));
    } finally {
      this.#memory.release(size);
      client.close();
    }
  }
}

/** Throws the reason of `signal` in the place of the next step when it aborts. */
function* until<T>(signal: AbortSignal, steps: Steps<T>): Steps<T> {
  for (;;) {
    signal.throwIfAborted();
    const step = steps.next();
    if (step.done === true) return step.value;
    yield;
  }
}
