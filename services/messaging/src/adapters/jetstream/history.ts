import type { Logger } from '@enjambre/common/log/logger';
import type { PeerId } from '@enjambre/core/ids';
import { AckPolicy, DeliverPolicy, nanos } from 'nats';
import type { HistoryPage, HistoryQuery } from '../../app/ports.js';
import { sizeOf, type Message } from '../../domain/message.js';
import { unlessMissing, type JetStream, type JetStreamAccess } from './jetstream-access.js';
import { inboxSubject, outboxSubject, STREAM } from './names.js';
import { pull, type Pulled } from './pull.js';
import { decodeStored } from './stored.js';

/** Messages of one subject read at a time. */
const CHUNK = 128;
/** Limit of chunks that one page searches; the page may then be short. */
const MAX_CHUNKS = 8;
/** Approximate limit of text bytes in a page, so that it fits into a gRPC message. */
const MAX_PAGE_BYTES = 1 << 20;
const MAX_CHUNK_BYTES = 32 << 20;
const PULL_MS = 5000;

interface Place {
  readonly seq: number;
  readonly message: Message;
}

/** Reads a peer's sent and received messages from the stream, newest first. */
export class JetStreamHistory {
  constructor(
    private readonly access: JetStreamAccess,
    private readonly log: Logger,
  ) {}

  page({ peer, matches, before, limit }: HistoryQuery): Promise<HistoryPage> {
    return this.access.use(async (jetStream) => {
      const { state } = await jetStream.jsm.streams.info(STREAM);
      let end = Math.min(before ?? Infinity, state.last_seq + 1);
      const messages: Message[] = [];
      let bytes = 0;
      for (let chunk = 0; chunk < MAX_CHUNKS; chunk++) {
        const { places, from } = await this.#chunk(jetStream, peer, { first: state.first_seq, end });
        for (const { seq, message } of places) {
          if (!matches(message)) continue;
          bytes += sizeOf(message);
          if (messages.length > 0 && (messages.length === limit || bytes > MAX_PAGE_BYTES))
            return { messages, before: seq + 1 };
          messages.push(message);
        }
        if (from === undefined) return { messages };
        end = from;
      }
      return { messages, before: end };
    });
  }

  /**
   * The newest messages before `end`, newest first, and the start of their range; undefined if there are no
   * older ones.
   */
  async #chunk(
    jetStream: JetStream,
    peer: PeerId,
    { first, end }: { first: number; end: number },
  ): Promise<{ places: Place[]; from: number | undefined }> {
    const subjects = [outboxSubject(peer), inboxSubject(peer)];
    const starts = await Promise.all(subjects.map((subject) => startOf(jetStream, subject, { first, end })));
    // Messages before the later start are read in the next chunk, for both subjects.
    const from = Math.max(...starts);
    const read = await Promise.all(
      subjects.map((subject) => this.#read(jetStream, subject, { first: from, end })),
    );
    // A message from a peer to itself is in both.
    const [sent = [], received = []] = read;
    const others = received.filter(({ message }) => message.sender.id !== peer);
    const places = [...sent, ...others].sort((one, other) => other.seq - one.seq);
    return { places, from: from > first ? from : undefined };
  }

  async #read(
    jetStream: JetStream,
    subject: string,
    { first, end }: { first: number; end: number },
  ): Promise<Place[]> {
    const places: Place[] = [];
    if (first >= end) return places;
    const { name, pending } = await peek(jetStream, subject, first);
    try {
      let left = pending;
      const take = (pulled: Pulled): void => {
        left -= 1;
        if (pulled.seq >= end) left = 0;
        else this.#keep(pulled, places);
      };
      while (left > 0) {
        const before = left;
        const batch = Math.min(left, CHUNK);
        const request = { consumer: name, batch, maxBytes: MAX_CHUNK_BYTES, expiresMs: 0 };
        await pull(jetStream.connection, { ...request, signal: AbortSignal.timeout(PULL_MS) }, take);
        if (left === before) break;
      }
      return places;
    } finally {
      await unlessMissing(jetStream.jsm.consumers.delete(STREAM, name));
    }
  }

  #keep({ seq, data, subject }: Pulled, places: Place[]): void {
    try {
      places.push({ seq, message: decodeStored(data).message });
    } catch (error) {
      this.log.debug({ err: error, seq, subject }, 'a foreign message is left out of a history');
    }
  }
}

/** The greatest start with about {@link CHUNK} messages before `end`; `first` if there is none. */
async function startOf(
  jetStream: JetStream,
  subject: string,
  { first, end }: { first: number; end: number },
): Promise<number> {
  const count = async (seq: number): Promise<number> => {
    const { name, pending } = await peek(jetStream, subject, seq);
    await unlessMissing(jetStream.jsm.consumers.delete(STREAM, name));
    return pending;
  };
  const beyond = await count(end);
  // Invariant: from `low` there are enough messages, or it is the first; from `high` there are too few.
  let low = end;
  let high = end;
  for (let width = 2 * CHUNK; low > first; width *= 4) {
    high = low;
    low = Math.max(first, end - width);
    if ((await count(low)) - beyond >= CHUNK) break;
  }
  while (high - low > CHUNK) {
    const middle = Math.floor((low + high) / 2);
    const found = (await count(middle)) - beyond;
    if (found < CHUNK) high = middle;
    else low = middle;
    if (found >= CHUNK && found < 2 * CHUNK) break;
  }
  return low;
}

/** Creates a consumer that starts at `seq`, to learn the number of messages from there. */
async function peek(
  { jsm }: JetStream,
  subject: string,
  seq: number,
): Promise<{ name: string; pending: number }> {
  const { name, num_pending: pending } = await jsm.consumers.add(STREAM, {
    filter_subject: subject,
    ack_policy: AckPolicy.None,
    deliver_policy: DeliverPolicy.StartSequence,
    opt_start_seq: Math.max(1, seq),
    inactive_threshold: nanos(PULL_MS),
    mem_storage: true,
  });
  return { name, pending };
}
