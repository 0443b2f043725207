import { execFileSync, spawnSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ROOT } from './manifests.js';
import { SERVICES, settingsOf } from './settings.js';

const UNITS = `${ROOT}/deploy/systemd`;
const canVerify = spawnSync('systemd-analyze', ['--version']).status === 0;
const withSystemd = canVerify ? test : test.skip;

/** Settings in lines NAME=VALUE, also in those that are commented out. */
function variablesIn(text: string, prefix: string): Record<string, string> {
  const lines = text.matchAll(new RegExp(`^${prefix}(ENJAMBRE_\\w+)=(.+)$`, 'gm'));
  return Object.fromEntries([...lines].map(([, name = '', value = '']) => [name, value]));
}

describe.each(SERVICES)('the unit of %s', (service) => {
  const unit = readFileSync(`${UNITS}/enjambre-${service}.service`, 'utf8');
  const file = readFileSync(`${ROOT}/deploy/debian/${service}.env`, 'utf8');

  test('starts it, and reads its settings from a file of the package', () => {
    expect(unit).toMatch(new RegExp(`^ExecStart=/usr/bin/enjambre ${service}$`, 'm'));
    expect(unit).toMatch(new RegExp(`^EnvironmentFile=-/etc/enjambre/${service}.env$`, 'm'));
  });

  test('has only variables of the service, each with a valid value', () => {
    const variables = { ...variablesIn(unit, 'Environment='), ...variablesIn(file, '#?') };
    expect(Object.keys(variables).length).toBeGreaterThan(1);
    expect(settingsOf([service], variables)).toBeDefined();
  });
});

withSystemd('systemd accepts the units, and their exposure is low', () => {
  const folder = mkdtempSync(join(tmpdir(), 'enjambre-units-'));
  try {
    for (const name of readdirSync(UNITS).filter((each) => each.endsWith('.service'))) {
      const path = join(folder, name);
      // The command need not be installed on this machine.
      const unit = readFileSync(join(UNITS, name), 'utf8').replace('=/usr/bin/enjambre ', '=/bin/true ');
      writeFileSync(path, unit);
      const verified = spawnSync('systemd-analyze', ['verify', path], { encoding: 'utf8' });
      expect([basename(path), verified.status, verified.stderr]).toEqual([name, 0, '']);
      const security = execFileSync('systemd-analyze', [
        'security',
        '--offline=true',
        '--threshold=20',
        path,
      ]);
      expect(security.toString()).toContain('Overall exposure level');
    }
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
