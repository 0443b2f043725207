import fc from 'fast-check';
import { Bitfield } from '@enjambre/core/bitfield';
import { EnjambreError } from '@enjambre/core/error';
import { parsePeerId, type InfoHash } from '@enjambre/core/ids';
import { readBans, writeBans } from '../../../services/peer-agent/src/adapters/state/bans-file.js';
import { linesOf, readInbox } from '../../../services/peer-agent/src/adapters/state/inbox-file.js';
import { readNames, writeNames } from '../../../services/peer-agent/src/adapters/state/names-file.js';
import { checksum, readBitfield } from '../../../services/peer-agent/src/adapters/state/progress-log.js';
import type { InboxEntry } from '../../../services/peer-agent/src/domain/inbox.js';
import {
  entryText,
  journalLine,
  readJournalLine,
  readStatus,
  removalLine,
  salvageStatus,
  statusText,
} from '../../../services/peer-agent/src/adapters/state/status-file.js';
import { readFacts, writeFacts } from '../../../services/peer-agent/src/adapters/state/transfer-facts.js';
import type { TransferRecord } from '../../../services/peer-agent/src/domain/transfer-record.js';
import { records } from '../../../services/peer-agent/test/support/records.js';
import { reshapeJson } from '../reshape-json.js';
import { Broken, isInvalid, mustEqual, type FuzzTarget } from '../target.js';

/** Readers of state files throw the reason as a plain error, one of JSON.parse, or one of an id. */
function isReason(error: unknown): boolean {
  return (
    isInvalid(error) ||
    error instanceof SyntaxError ||
    (error instanceof Error && error.name === 'ZodError') ||
    (error instanceof Error && error.constructor === Error)
  );
}

const SAMPLES = fc.sample(records, { numRuns: 12, seed: 3 });
const WORDS = ['"transfers": [', '"infohash":', '"version": 1', '\\u0000', 'e999', '"__proto__":{}'].map(
  (word) => Buffer.from(word),
);

function textOf(held: readonly TransferRecord[], journal = 3): string {
  return [...statusText(held.map(entryText), journal)].join('');
}

const status: FuzzTarget = {
  name: 'state-status',
  seeds: SAMPLES.map((held) => Buffer.from(textOf(held))),
  words: WORDS,
  reshape: reshapeJson,
  refuses: isReason,
  run: (input) => {
    const text = input.toString();
    const salvaged = salvageStatus(text);
    const read = readStatus(text);
    mustEqual('what is salvaged of a valid file', salvaged, read.records);
    // Times are written in whole milliseconds.
    const again = readStatus(textOf(read.records)).records;
    mustEqual('a file of its own text', readStatus(textOf(again)).records, again);
  },
};

const journal: FuzzTarget = {
  name: 'state-journal',
  seeds: SAMPLES.flat()
    .flatMap((record) => [journalLine(record), removalLine(record.infohash)])
    .map((line) => Buffer.from(JSON.stringify(line))),
  words: WORDS,
  reshape: reshapeJson,
  refuses: isReason,
  run: (input) => {
    const read = readJournalLine(JSON.parse(input.toString()));
    if (!read) throw new Error('not a line');
    const again = readAgain(read);
    mustEqual('a line of its own text', readAgain(again), again);
  },
};

/** Times are written in whole milliseconds: the second text says what the first says. */
function readAgain(line: JournalLine): JournalLine {
  const written = 'record' in line ? journalLine(line.record) : removalLine(line.removed);
  const read = readJournalLine(JSON.parse(JSON.stringify(written)));
  if (!read) throw new Broken('its own text is no line');
  return read;
}

type JournalLine = NonNullable<ReturnType<typeof readJournalLine>>;

const facts: FuzzTarget = {
  name: 'state-facts',
  seeds: SAMPLES.flat().map((record) => Buffer.from(writeFacts(record))),
  words: WORDS,
  reshape: reshapeJson,
  refuses: isReason,
  run: (input) => {
    const text = input.toString();
    const infohash = /[0-9a-f]{64}/.exec(text)?.[0] ?? '';
    const read = readFacts(text, infohash as InfoHash);
    if (read.infohash !== infohash) throw new Broken('facts of another transfer');
    mustEqual('facts of their own text', readFacts(writeFacts(read), read.infohash), read);
  },
};

const ID = parsePeerId('ab'.repeat(32));

const bans: FuzzTarget = {
  name: 'state-bans',
  seeds: [
    writeBans([]),
    writeBans([{ peerId: ID, name: 'bob', reason: 'bad', sinceMs: 1e12, untilMs: 1.1e12 }]),
  ].map((text) => Buffer.from(text)),
  words: WORDS,
  reshape: reshapeJson,
  refuses: isReason,
  run: (input) => {
    const read = readBans(input.toString());
    mustEqual('bans of their own text', readBans(writeBans(read)), read);
  },
};

const names: FuzzTarget = {
  name: 'state-names',
  seeds: [[], [{ key: 'alice', id: ID }], [{ key: '__proto__', id: ID }]].map((known) =>
    Buffer.from(writeNames(known)),
  ),
  words: WORDS,
  reshape: reshapeJson,
  refuses: isReason,
  run: (input) => {
    const read = readNames(input.toString());
    mustEqual('names of their own text', readNames(writeNames(read)), read);
  },
};

const MESSAGE = { id: 'm', senderId: ID, senderName: 'bob', targetName: 'alice', text: 'hi', sentAtMs: 1e12 };
const INBOX: readonly InboxEntry[] = [
  {
    type: 'received',
    number: 1,
    message: { ...MESSAGE, target: { kind: 'peer', peer: ID } },
    receivedAtMs: 1e12,
    deliveryId: 7n,
  },
  {
    type: 'received',
    number: 2,
    message: { ...MESSAGE, target: { kind: 'room', room: 'ops' } },
    receivedAtMs: 1e12,
    deliveryId: 8n,
  },
  {
    type: 'received',
    number: 3,
    message: { ...MESSAGE, target: { kind: 'everyone' } },
    receivedAtMs: 1e12,
    deliveryId: 9n,
  },
  { type: 'read', numbers: [1, 2] },
  { type: 'room', room: 'ops', joined: true },
];

const inbox: FuzzTarget = {
  name: 'state-inbox',
  seeds: [INBOX, ...INBOX.map((entry) => [entry])].map((entries) => Buffer.from(linesOf(entries))),
  words: WORDS,
  reshape: (input, below) => {
    const line = reshapeJson(input, below);
    return line && Buffer.concat([line, Buffer.from('\n')]);
  },
  refuses: isReason,
  run: (input) => {
    const read = readInbox(input.toString());
    mustEqual('entries of their own lines', readInbox(linesOf(read)), read);
  },
};

const PIECES = 77;
const SUM_BYTES = checksum(Buffer.alloc(0)).length;

/** The first byte says whether the checksum is right: otherwise none would be read. */
const bitfield: FuzzTarget = {
  name: 'state-bitfield',
  seeds: [Buffer.alloc(11), Buffer.from([1, 255, 255, 255, 255, 255, 255, 255, 255, 255, 0xf8])],
  run: (input) => {
    const bits = input.subarray(1);
    const file = (input[0] ?? 0) % 2 === 0 ? bits : Buffer.concat([bits, checksum(bits)]);
    const read = readBitfield(file, PIECES);
    if (!read) throw new EnjambreError('invalid', 'TORN', 'no bitfield');
    const claimed = file.length === 0 ? Bitfield.empty(PIECES).toBytes() : file.subarray(0, -SUM_BYTES);
    if (!Buffer.from(read.toBytes()).equals(claimed)) throw new Broken('it holds other pieces than the file');
  },
};

export const STATE_TARGETS: readonly FuzzTarget[] = [status, journal, facts, bans, names, inbox, bitfield];
