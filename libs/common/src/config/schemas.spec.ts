import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { describe, expect, it } from '@jest/globals';
import type { z } from 'zod';
import {
  addressSchema,
  labelsSchema,
  nameSchema,
  pathSchema,
  tcpAddressListSchema,
  tcpAddressSchema,
} from './schemas.js';

describe('the schema of', () => {
  it('a path makes it absolute, with ~ for the home folder', () => {
    expect(pathSchema.parse('~/data')).toBe(join(homedir(), 'data'));
    expect(pathSchema.parse('data/../x')).toBe(resolve('x'));
    expect(pathSchema.parse('/a/~/b')).toBe('/a/~/b');
    expect(pathSchema.safeParse('').error?.issues[0]?.message).toBe('a path is missing');
    expect(pathSchema.safeParse('a\0b').success).toBe(false);
  });

  it('labels takes the first = as the end of the key', () => {
    expect(labelsSchema.parse(['zone=eu-1', 'k8s.io/a_b=x=y', 'empty='])).toEqual({
      zone: 'eu-1',
      'k8s.io/a_b': 'x=y',
      empty: '',
    });
  });

  it.each(['zone', '=x', ' zone=x', '__proto__=x', `${'k'.repeat(64)}=x`, `k=${'v'.repeat(256)}`, 'k=a\nb'])(
    'labels refuses %j with the reason',
    (pair) => {
      const { success, error } = labelsSchema.safeParse(['a=b', pair]);
      expect(success).toBe(false);
      expect(error?.issues[0]?.message).toBe(`"${pair}" is not a label: write key=value`);
    },
  );

  it('a name takes 64 characters of any script, and no control characters', () => {
    for (const good of ['a', 'n'.repeat(64), 'Zoë 東京']) expect(nameSchema.parse(good)).toBe(good);
    expect(nameSchema.parse(' al\u200bice')).toBe('alice');
    for (const bad of ['', 'n'.repeat(65), 'a\nb', 'a\u001b[31mb', 'a\u0085b']) {
      expect(nameSchema.safeParse(bad).success).toBe(false);
    }
  });

  it('an address names the accepted forms: a TCP address is not a socket', () => {
    const refusal = (schema: z.ZodType, text: string) => schema.safeParse(text).error?.issues[0]?.message;
    expect(tcpAddressSchema().parse('h:1')).toMatchObject({ host: 'h' });
    expect(addressSchema(7).parse('unix:/x')).toMatchObject({ path: '/x' });
    for (const bad of ['x', 'unix:/x'])
      expect(refusal(tcpAddressSchema(), bad)).toBe(`"${bad}" is not an address: write HOST:PORT`);
    expect(refusal(addressSchema(7), '7')).toBe('"7" is not an address: write HOST, HOST:PORT or unix:PATH');
  });

  it('an address without a port has the default port', () => {
    expect(tcpAddressSchema(7070).parse('h')).toMatchObject({ host: 'h', port: 7070 });
    expect(addressSchema(7073).parse('h')).toMatchObject({ port: 7073 });
    expect(tcpAddressListSchema(7070).parse('a, b:1')).toMatchObject([
      { port: 7070 },
      { host: 'b', port: 1 },
    ]);
  });
});
