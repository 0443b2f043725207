import { beforeAll, describe, expect, test } from '@jest/globals';
import { EXAMPLES, OVERLAYS, read, render, type Manifest } from './manifests.js';
import { problemsOf } from './schemas.js';

describe.each(OVERLAYS)('the overlay %s', (overlay) => {
  test('has no unknown fields, and all required ones', async () => {
    expect(await problemsOf(render(overlay))).toEqual([]);
  }, 60_000);
});

test.each(EXAMPLES)(
  'the example %s does, too',
  async (path) => {
    expect(await problemsOf(read(path))).toEqual([]);
  },
  60_000,
);

describe('the check of manifests', () => {
  let manifests: Manifest[];

  beforeAll(() => {
    manifests = render('dev');
  });

  /** The problems of the overlay after replacing a text, which must occur in it. */
  async function withTypo(right: string, wrong: string): Promise<string[]> {
    const text = JSON.stringify(manifests);
    expect(text).toContain(right);
    return problemsOf(JSON.parse(text.replace(right, wrong)) as Manifest[]);
  }

  test.each([
    ['a field of a probe', '"failureThreshold"', '"failureTreshold"', 'failureTreshold'],
    [
      'a field of a security context',
      '"readOnlyRootFilesystem"',
      '"readonlyRootFilesystem"',
      'readonlyRootFilesystem',
    ],
    ['a field of a network policy', '"podSelector"', '"podSelectors"', 'podSelector'],
    ['a field of a claim', '"accessModes"', '"accessMode"', 'accessMode'],
    ['a field at the top', '"spec"', '"specs"', 'specs'],
    ['a kind', '"kind":"DaemonSet"', '"kind":"DeamonSet"', 'DeamonSet'],
    ['a version', '"policy/v1"', '"policy/v2"', 'policy/v2'],
  ])(
    'notices a typo in %s',
    async (_, right, wrong, told) => {
      expect((await withTypo(right, wrong)).join('\n')).toContain(told);
    },
    60_000,
  );

  test.each([
    ['a text for a number', '"replicas":2', '"replicas":"two"'],
    ['a value that is none of those there are', '"type":"RuntimeDefault"', '"type":"Default"'],
    ['an amount that is none', '"memory":"256Mi"', '"memory":"256 MB"'],
  ])(
    'notices %s',
    async (_, right, wrong) => {
      expect(await withTypo(right, wrong)).not.toEqual([]);
    },
    60_000,
  );

  test('detects missing fields', async () => {
    expect((await withTypo('"name":"tracker","ports"', '"ports"')).join('\n')).toContain('name');
  }, 60_000);
});
