import { expect, test } from '@jest/globals';
import { parsePermission } from '@enjambre/core/trust/rights';
import { permittedTarget } from './send-right.js';

const ops = { kind: 'room', room: 'ops' } as const;
const others = [
  { kind: 'room', room: 'sales' },
  { kind: 'peer', peer: 'alice' },
  { kind: 'everyone' },
] as const;

test('the right to send for a pattern is for the rooms that match, and for nothing else', () => {
  const holder = { may: [parsePermission('send:op*')] };
  expect(permittedTarget(holder, ops)).toBe(ops);
  for (const target of others)
    expect(() => permittedTarget(holder, target)).toThrow('does not allow you to send');
});

test('the right to send for all names, no limit and no TLS allow all targets', () => {
  for (const holder of [{ may: [parsePermission('send')] }, {}, undefined])
    for (const target of [ops, ...others]) expect(permittedTarget(holder, target)).toBe(target);
});
