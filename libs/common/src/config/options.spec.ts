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
  listen: { placeholder: 'A', description: '', schema: tcpAddressSchema, default: ':1' },
  advertise: { placeholder: 'A', description: '', schema: tcpAddressSchema.optional() },
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
