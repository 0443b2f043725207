import { describe, expect, test } from '@jest/globals';
import { resolveOptions } from '@enjambre/common/config/options';
import { trackerOptions } from '../src/config.js';

describe('the options of a tracker', () => {
  test('have defaults', () => {
    const config = resolveOptions(trackerOptions, {}, {});
    expect(config.listen).toEqual({ kind: 'tcp', host: '', port: 7070 });
    expect(config.name).not.toBe('');
    expect(config.logLevel).toBe('info');
    expect(config.natsReplicas).toBe('auto');
  });

  test('set the destination and the retention of events', () => {
    const flags = { nats: 'n1:4222', messaging: 'm:7071', eventMaxAge: '7d', eventMaxBytes: '1GiB' };
    expect(resolveOptions(trackerOptions, flags, {})).toMatchObject({
      nats: 'n1:4222',
      messaging: { host: 'm', port: 7071 },
      eventMaxAge: 604_800_000,
      eventMaxBytes: 2 ** 30,
      catalogueMaxBytes: 2 ** 28,
    });
    expect(resolveOptions(trackerOptions, {}, {}).nats).toBeUndefined();
    expect(() => resolveOptions(trackerOptions, { nats: 'http://n' }, {})).toThrow(/^--nats: .*write nats:/);
  });

  test('come from flags before the environment', () => {
    const environment = { ENJAMBRE_LISTEN: ':1', ENJAMBRE_NAME: 'blue' };
    const config = resolveOptions(trackerOptions, { listen: ':2' }, environment);
    expect(config).toMatchObject({ listen: { port: 2 }, name: 'blue' });
  });

  test('name the invalid option', () => {
    expect(() => resolveOptions(trackerOptions, { listen: 'unix:/x' }, {})).toThrow(/^--listen: /);
    expect(() => resolveOptions(trackerOptions, {}, { ENJAMBRE_NAME: 'a\nb' })).toThrow(/^ENJAMBRE_NAME: /);
  });
});
