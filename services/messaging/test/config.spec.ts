import { describe, expect, test } from '@jest/globals';
import { resolveOptions } from '@enjambre/common/config/options';
import { messagingOptions } from '../src/config.js';

const resolve = (flags: Record<string, string>) => resolveOptions(messagingOptions, flags, {});

describe('the options of a messaging service', () => {
  test('have defaults', () => {
    expect(resolve({})).toMatchObject({
      listen: { kind: 'tcp', host: '', port: 7071 },
      nats: undefined,
      messageMaxAge: 7 * 86_400_000,
      messageMaxBytes: 256 << 20,
      eventMaxBytes: 256 << 20,
      dataDir: expect.stringContaining('enjambre'),
      duplicateWindow: 3_600_000,
      messageRate: 200,
      maxPending: 10_000,
      addressBudget: 5,
      natsReplicas: 'auto',
    });
  });

  test.each([
    ['90s', 90_000],
    ['15m', 900_000],
    ['12h', 43_200_000],
  ])('read %s as a duration', (text, ms) => {
    expect(resolve({ messageMaxAge: text }).messageMaxAge).toBe(ms);
  });

  test.each([
    ['512KiB', 524_288],
    ['10GiB', 10 * 2 ** 30],
  ])('read %s as a size', (text, bytes) => {
    expect(resolve({ messageMaxBytes: text }).messageMaxBytes).toBe(bytes);
  });

  test.each([
    ['messageMaxAge', '0s', /^--message-max-age: "0s" is not a duration/],
    ['messageMaxAge', '7x', /is not a duration/],
    ['messageMaxBytes', '1XB', /^--message-max-bytes: "1XB" is not a size/],
    ['duplicateWindow', '-1h', /^--duplicate-window: /],
    ['messageRate', '0', /^--message-rate: /],
    ['maxPending', '1.5', /^--max-pending: /],
    ['addressBudget', '0', /^--address-budget: must be a whole number from 1 to 100/],
    ['addressBudget', '101', /^--address-budget: /],
    ['nats', 'http://x', /^--nats: "http:\/\/x" is not a NATS address/],
    ['listen', 'unix:/x', /^--listen: /],
  ])('name the invalid option: %s %s', (flag, value, message) => {
    expect(() => resolve({ [flag]: value })).toThrow(message);
  });
});
