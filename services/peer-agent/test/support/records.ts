import fc from 'fast-check';
import { parseInfoHash, parsePeerId } from '@enjambre/core/ids';
import { DISTANCES, type Distance } from '@enjambre/core/locality';
import { nameFault } from '@enjambre/core/names';
import { CAUSES, MISHAPS, type AccountRecord } from '../../src/domain/explain/causes.js';
import type { TransferRecord } from '../../src/domain/transfer-record.js';

const id = fc.uint8Array({ minLength: 32, maxLength: 32 }).map((bytes) => Buffer.from(bytes).toString('hex'));
const count = fc.maxSafeNat();
const time = fc
  .date({ min: new Date(1), max: new Date('9999-12-31'), noInvalidDate: true })
  .map((date) => date.getTime());

const milliseconds = fc.integer({ min: 0, max: 1e9 });

const bytes = fc.record(
  Object.fromEntries(DISTANCES.map((distance) => [distance, count])) as Record<Distance, typeof count>,
);

const account: fc.Arbitrary<AccountRecord> = fc.record({
  spent: fc.dictionary(
    fc.constantFrom(...CAUSES),
    fc
      .tuple(fc.integer({ min: 1, max: 1e9 }), milliseconds)
      .map(([ms, stalledMs]) => ({ ms, stalledMs: Math.min(ms, stalledMs) })),
  ),
  mishaps: fc.dictionary(fc.constantFrom(...MISHAPS), fc.integer({ min: 1, max: 1e9 })),
  duplicateBytes: count,
  metainfoAtMs: fc.oneof(fc.constant(-1), milliseconds),
  firstByteAtMs: fc.oneof(fc.constant(-1), milliseconds),
  untilMs: fc.oneof(fc.constant(0), time),
});

const path = fc.string({ maxLength: 60 }).map((text) => `/${text.replaceAll('\0', '')}`);

const signed = fc.base64String({ maxLength: 40 });

const record: fc.Arbitrary<TransferRecord> = fc
  .record({
    infohash: id.map(parseInfoHash),
    askedByName: fc.boolean(),
    name: fc.oneof(
      fc.constant(''),
      fc.string({ unit: 'binary', maxLength: 30 }).filter((text) => nameFault(text) === undefined),
    ),
    goal: fc.constantFrom('run', 'pause', 'failed'),
    reason: fc.constantFrom('', 'DISK_FULL', 'SEED_RATIO_REACHED'),
    message: fc.string({ maxLength: 60 }),
    warning: fc.string({ maxLength: 60 }),
    origin: fc.boolean(),
    location: path,
    movingTo: fc.oneof(fc.constant(''), path),
    complete: fc.boolean(),
    inPlace: fc.boolean(),
    ownFiles: fc.constantFrom('', 'none', 'all', '0-4,9'),
    assembly: fc.string({ maxLength: 40 }),
    replace: fc.constantFrom('none', 'own', 'any'),
    publication: fc.option(
      fc.record(
        {
          publisher: fc.record({ id: id.map(parsePeerId), name: fc.string({ maxLength: 30 }) }),
          version: fc.integer({ min: 1 }),
          publishedAtMs: time,
          signed,
        },
        { requiredKeys: ['publisher', 'version', 'publishedAtMs'] },
      ),
      { nil: undefined },
    ),
    published: fc.option(fc.record({ version: fc.integer({ min: 1 }), publishedAtMs: time, signed }), {
      nil: undefined,
    }),
    follow: fc.boolean(),
    select: fc.array(fc.string({ maxLength: 30 }), { maxLength: 3 }),
    fingerprint: fc.string({ maxLength: 64 }),
    copies: fc.array(
      fc.record({ origin: fc.boolean(), location: path, fingerprint: fc.string({ maxLength: 64 }) }),
      {
        maxLength: 3,
      },
    ),
    recheck: fc.boolean(),
    sizeBytes: count,
    selectedBytes: count,
    doneBytes: count,
    downloadedBytes: count,
    uploadedBytes: count,
    wastedBytes: count,
    addedAtMs: time,
    completedAtMs: fc.oneof(fc.constant(0), time),
    activeMs: fc.double({ min: 0, max: 1e9, noNaN: true }),
    maxUpload: count,
    maxDownload: count,
    seededMs: milliseconds,
    seedRatio: fc.constantFrom(undefined, 0, 1.5, Infinity),
    seedTimeMs: fc.constantFrom(undefined, 0, 90_000, Infinity),
    priority: fc.constantFrom('high', 'normal', 'low'),
    peers: fc.array(
      fc.record({
        peerId: id.map(parsePeerId),
        name: fc.string({ maxLength: 64 }),
        received: count,
        sent: count,
        distance: fc.constantFrom(...DISTANCES),
        receivingMs: milliseconds,
      }),
      { maxLength: 3 },
    ),
    traffic: fc.record({ received: bytes, sent: bytes }),
    account,
  })
  .map((one) => ({ ...one, selectedBytes: Math.min(one.selectedBytes, one.sizeBytes) }))
  .map((one) => ({ ...one, doneBytes: Math.min(one.doneBytes, one.selectedBytes) }));

/** Arbitrary records of transfers. */
export const records = fc.array(record, { maxLength: 4 });
