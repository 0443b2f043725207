import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, test } from '@jest/globals';
import { ofKind, OVERLAYS, render } from './manifests.js';

test.each(OVERLAYS)('a real nats-server accepts the configuration of the overlay %s', (overlay) => {
  const [config] = ofKind(render(overlay), 'ConfigMap') as unknown as { data: Record<string, string> }[];
  const text = config?.data['nats.conf'] ?? '';
  const folder = mkdtempSync(join(tmpdir(), 'enjambre-nats-conf-'));
  const check = (content: string): string => {
    const path = join(folder, 'nats.conf');
    writeFileSync(path, content);
    const env = { ...process.env, POD_NAME: 'nats-0' };
    return execFileSync('nats-server', ['-t', '-c', path], { env, encoding: 'utf8', stdio: 'pipe' });
  };
  try {
    check(text);
    expect(() => check(text.replace('store_dir', 'store_folder'))).toThrow(/store_folder/);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
