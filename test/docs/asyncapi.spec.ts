import { readFileSync } from 'node:fs';
import { Parser } from '@asyncapi/parser';
import { DESCRIPTOR_SET } from '@enjambre/proto/descriptors';
import { loadFileDescriptorSetFromBuffer } from '@grpc/proto-loader';
import { describe, expect, it } from '@jest/globals';
import * as fc from 'fast-check';
import { decodeEvent, encodeEvent, subjectOf } from '@enjambre/common/events/convert';
import { ASYNCAPI_FILE, EventSchemas } from '@enjambre/harness/event-schemas';
import { factOf, FACT_CASES } from '../../libs/common/test/sample-facts.js';

const schemas = new EventSchemas();
/** A newer version of AsyncAPI is not a fault. */
const ADVICE: ReadonlySet<unknown> = new Set(['asyncapi-latest-version']);
const time = fc.date({ min: new Date(0), max: new Date('9999-01-01'), noInvalidDate: true });
const name = fc.string({ unit: 'grapheme', minLength: 1, maxLength: 64 });

describe('docs/asyncapi.yaml', () => {
  it('is a valid AsyncAPI document', async () => {
    const { document, diagnostics } = await new Parser().parse(readFileSync(ASYNCAPI_FILE, 'utf8'));
    const faults = diagnostics.filter(({ code }) => !ADVICE.has(code));
    expect(faults.map(({ message, path }) => `${path.join('.')}: ${message}`)).toEqual([]);
    expect(document?.version()).toBe('3.0.0');
  });

  it('has a channel for each kind of event in the proto, and no other', () => {
    expect(schemas.subjects.sort()).toEqual(casesInProto().sort());
  });

  it.each(FACT_CASES)('describes every %s that can be published, to the last property', ($case) => {
    fc.assert(
      fc.property(factOf($case), time, name, (event, moment, who) => {
        const whole = { id: 'x-1', time: moment, source: `tracker/${who}`, event };
        expect(schemas.problemsOf(subjectOf(whole), JSON.parse(encodeEvent(whole)))).toEqual([]);
      }),
    );
  });

  it.each(FACT_CASES)(
    'lets nothing pass as %s that a service would not take, and the other way round',
    ($case) => {
      fc.assert(
        fc.property(factOf($case), fc.json(), fc.nat(), (event, junk, place) => {
          const whole = { id: 'x-1', time: new Date(0), source: 'tracker/t', event };
          const json = JSON.parse(encodeEvent(whole)) as { data: Record<string, unknown> };
          const keys = Object.keys(json.data);
          json.data[keys[place % keys.length] ?? ''] = JSON.parse(junk);
          const subject = subjectOf(whole);
          const described = schemas.problemsOf(subject, json).length === 0;
          let taken = true;
          try {
            decodeEvent(subject, Buffer.from(JSON.stringify(json)));
          } catch {
            taken = false;
          }
          expect(taken).toBe(described);
        }),
      );
    },
  );
});

/** Subjects by the names of Event's cases in the proto's descriptor: "peer_connected" is enjambre.peer.connected. */
function casesInProto(): string[] {
  const { type } = loadFileDescriptorSetFromBuffer(readFileSync(DESCRIPTOR_SET))[
    'enjambre.events.v1.Event'
  ] as {
    type?: { field: { name: string; type: string }[] };
  };
  const cases = type?.field.filter((field) => field.type === 'TYPE_MESSAGE' && field.name !== 'time') ?? [];
  return cases.map(({ name: field }) => `enjambre.${field.replace('_', '.')}`);
}
