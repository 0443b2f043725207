import { DISTANCES } from '@enjambre/core/locality';
import { z } from 'zod';
import { NO_TRAFFIC, type BytesByDistance, type TrafficRecord } from '../../domain/traffic.js';

const bytesSchema = z.partialRecord(z.enum(DISTANCES), z.number().int().min(0)).default({});

/** The fields of a transfer in the status file that count bytes by distance; zeros are omitted. */
export const trafficShape = { received_by_distance: bytesSchema, sent_by_distance: bytesSchema };

type EntrySchema = z.ZodObject<typeof trafficShape>;

export function trafficToEntry({ received, sent }: TrafficRecord): z.input<EntrySchema> {
  return { received_by_distance: present(received), sent_by_distance: present(sent) };
}

export function trafficFromEntry(entry: z.output<EntrySchema>): TrafficRecord {
  return {
    received: { ...NO_TRAFFIC.received, ...entry.received_by_distance },
    sent: { ...NO_TRAFFIC.sent, ...entry.sent_by_distance },
  };
}

function present(bytes: BytesByDistance): Partial<BytesByDistance> {
  return Object.fromEntries(Object.entries(bytes).filter(([, count]) => count > 0));
}
