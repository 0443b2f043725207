import { describe, expect, it } from '@jest/globals';
import { z } from 'zod';
import { flagName, resolveOptions, variableName } from './options.js';
import { labelsSchema, tcpAddressSchema } from './schemas.js';

const table = {
  logLevel: {
    placeholder: 'L',
    description: '',
    schema: z.enum(['low', 'high'], { error: 'must be low or high' }),
    default: 'low',
  },
  listen: { placeholder: 'A', description: '', schema: tcpAddressSchema(), default: ':1' },
  advertise: { placeholder: 'A', description: '', schema: tcpAddressSchema().optional() },
  label: { placeholder: 'K=V', description: '', schema: labelsSchema, repeatable: true },
};

describe('resolveOptions', () => {
  it('takes the flag before the environment, and the environment before the default', () => {
    expect(resolveOptions(table, { logLevel: 'low' }, { ENJAMBRE_LOG_LEVEL: 'high' }).logLevel).toBe('low');
    expect(resolveOptions(table, {}, { ENJAMBRE_LOG_LEVEL: 'high' }).logLevel).toBe('high');
    expect(resolveOptions(table, {}, {})).toEqual({
      logLevel: 'low',
      listen: { kind: 'tcp', host: '', port: 1 },
      advertise: undefined,
      label: {},
    });
  });

  it('treats an empty variable as absent, but not an empty flag', () => {
    expect(resolveOptions(table, {}, { ENJAMBRE_LOG_LEVEL: '' }).logLevel).toBe('low');
    expect(() => resolveOptions(table, { logLevel: '' }, {})).toThrow('--log-level: must be low or high');
  });

  it('collects a flag that is given several times; the variable holds a list', () => {
    expect(resolveOptions(table, { label: ['a=1', 'b=x,y'] }, {}).label).toEqual({ a: '1', b: 'x,y' });
    expect(resolveOptions(table, {}, { ENJAMBRE_LABEL: 'a=1,b=2' }).label).toEqual({ a: '1', b: '2' });
  });

  it('names the flag that is wrong', () => {
    expect(() => resolveOptions(table, { listen: 'nowhere' }, {})).toThrow(
      expect.objectContaining({
        code: 'invalid',
        reason: 'BAD_OPTION',
        message: '--listen: "nowhere" is not an address: write HOST:PORT',
        metadata: { option: '--listen' },
      }),
    );
  });

  it('names the variable that is wrong, unless a flag overrides it', () => {
    const environment = { ENJAMBRE_LISTEN: 'nowhere' };
    expect(() => resolveOptions(table, {}, environment)).toThrow(
      expect.objectContaining({ message: expect.stringMatching(/^ENJAMBRE_LISTEN: /) as unknown as string }),
    );
    expect(resolveOptions(table, { listen: ':2' }, environment).listen).toMatchObject({ port: 2 });
  });

  it('takes the variable of the service before its older form, which it reports', () => {
    const old: string[][] = [];
    const scope = {
      service: 'agent',
      deprecated: (variable: string, instead: string) => old.push([variable, instead]),
    } as const;
    const both = { ENJAMBRE_LISTEN: ':2', ENJAMBRE_AGENT_LISTEN: ':3' };
    expect(resolveOptions(table, {}, both, scope).listen).toMatchObject({ port: 3 });
    expect(old).toEqual([]);
    expect(resolveOptions(table, {}, { ENJAMBRE_LISTEN: ':2' }, scope).listen).toMatchObject({ port: 2 });
    expect(old).toEqual([['ENJAMBRE_LISTEN', 'ENJAMBRE_AGENT_LISTEN']]);
    const shared = { listen: { ...table.listen, shared: true } };
    resolveOptions(shared, {}, { ENJAMBRE_LISTEN: ':2' }, scope);
    expect(old).toHaveLength(1);
    const others = { ENJAMBRE_TRACKER_LISTEN: ':4' };
    expect(resolveOptions(table, {}, others, scope).listen).toMatchObject({ port: 1 });
  });

  it('takes the file after flag and variable, and names its line', () => {
    const file = { source: '/c.yaml: agent', values: { listen: ':5', label: ['a=1'] } };
    const scope = { service: 'agent', file } as const;
    expect(resolveOptions(table, {}, {}, scope)).toMatchObject({ listen: { port: 5 }, label: { a: '1' } });
    const variable = { ENJAMBRE_AGENT_LISTEN: ':6' };
    expect(resolveOptions(table, {}, variable, scope).listen).toMatchObject({ port: 6 });
    expect(resolveOptions(table, { listen: ':7' }, variable, scope).listen).toMatchObject({ port: 7 });
    const wrong = { service: 'agent', file: { ...file, values: { listen: 'nowhere' } } } as const;
    expect(() => resolveOptions(table, {}, {}, wrong)).toThrow('/c.yaml: agent.listen: "nowhere" is not');
  });

  it('spells a name as a flag and as a variable', () => {
    expect([flagName('downloadDir'), variableName('downloadDir')]).toEqual([
      '--download-dir',
      'ENJAMBRE_DOWNLOAD_DIR',
    ]);
    expect([flagName('maxUploadKbS'), variableName('maxUploadKbS')]).toEqual([
      '--max-upload-kb-s',
      'ENJAMBRE_MAX_UPLOAD_KB_S',
    ]);
  });
});
