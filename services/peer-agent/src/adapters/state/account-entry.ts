import { z } from 'zod';
import {
  CAUSES,
  MISHAPS,
  NO_ACCOUNT,
  type AccountRecord,
  type TimeSpent,
} from '../../domain/explain/causes.js';

/** Milliseconds of a thousand years: their sums are safe integers. */
const MAX_MS = 1000 * 366 * 24 * 3600 * 1000;
const milliseconds = z.number().min(0).max(MAX_MS);
const KNOWN = CAUSES.filter((cause) => cause !== 'missing');
const spentSchema = z.object({ ms: milliseconds, stalled_ms: milliseconds });

/** The time account of a transfer in the status file. */
export const accountShape = {
  account: z
    .object({
      spent: z.partialRecord(z.enum(KNOWN), spentSchema),
      // A separate field: older versions refuse unknown causes.
      missing: spentSchema.optional(),
      mishaps: z.partialRecord(z.enum(MISHAPS), z.number().int().min(0)),
      duplicate_bytes: z.number().int().min(0),
      metainfo_at_ms: milliseconds.nullable(),
      first_byte_at_ms: milliseconds.nullable(),
      until: z.iso.datetime({ offset: true }).nullable(),
    })
    .optional(),
};

type EntrySchema = z.ZodObject<typeof accountShape>;

export function accountToEntry(account: AccountRecord): z.input<EntrySchema> {
  const { spent, mishaps, duplicateBytes, metainfoAtMs, firstByteAtMs, untilMs } = account;
  const entries = KNOWN.flatMap((cause) => {
    const entry = spentToEntry(spent[cause]);
    return entry ? [[cause, entry]] : [];
  });
  const missing = spentToEntry(spent.missing);
  return {
    account: {
      spent: Object.fromEntries(entries) as Record<string, z.input<typeof spentSchema>>,
      ...(missing && { missing }),
      mishaps,
      duplicate_bytes: duplicateBytes,
      metainfo_at_ms: metainfoAtMs < 0 ? null : Math.round(metainfoAtMs),
      first_byte_at_ms: firstByteAtMs < 0 ? null : Math.round(firstByteAtMs),
      until: untilMs === 0 ? null : new Date(untilMs).toISOString(),
    },
  };
}

function spentToEntry(spent: TimeSpent | undefined): z.input<typeof spentSchema> | undefined {
  const { ms, stalledMs } = spent ?? { ms: 0, stalledMs: 0 };
  const [whole, stalled] = [Math.round(ms), Math.round(stalledMs)];
  return whole === 0 ? undefined : { ms: whole, stalled_ms: stalled };
}

export function accountFromEntry({ account }: z.output<EntrySchema>): AccountRecord {
  if (!account) return NO_ACCOUNT;
  const { mishaps, missing, metainfo_at_ms: metainfo, first_byte_at_ms: firstByte, until } = account;
  return {
    spent: Object.fromEntries(
      Object.entries({ ...account.spent, ...(missing && { missing }) }).map(
        ([cause, { ms, stalled_ms: stalledMs }]) => [cause, { ms, stalledMs: Math.min(ms, stalledMs) }],
      ),
    ),
    mishaps,
    duplicateBytes: account.duplicate_bytes,
    metainfoAtMs: metainfo ?? -1,
    firstByteAtMs: firstByte ?? -1,
    untilMs: until === null ? 0 : Date.parse(until),
  };
}
