import { messageOf } from '@enjambre/core/error';
import { z } from 'zod';
import { parseBytes, parseDuration, parseRate, parseSeedRatio, parseSeedTime } from './parse-quantities.js';

export const durationSchema = schemaOf(parseDuration);
export const rateSchema = schemaOf(parseRate);
export const seedRatioSchema = schemaOf(parseSeedRatio);
export const seedTimeSchema = schemaOf(parseSeedTime);
export const bytesSchema = schemaOf(parseBytes);

function schemaOf(parse: (text: string) => number): z.ZodType<number> {
  return z.string().transform((text, context): number => {
    try {
      return parse(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: messageOf(error) });
      return z.NEVER;
    }
  });
}
