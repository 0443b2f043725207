import fc from 'fast-check';
import type { InfoHash } from '@enjambre/core/ids';
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

export const STATE_TARGETS: readonly FuzzTarget[] = [status, journal, facts];
