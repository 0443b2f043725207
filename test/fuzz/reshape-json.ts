import fc from 'fast-check';

/** Any JSON, and values at which readers of records tend to fail. */
const VALUES: readonly unknown[] = [
  ...fc.sample(fc.jsonValue({ maxDepth: 2 }), { numRuns: 200, seed: 1 }),
  ...[
    null,
    true,
    '',
    [],
    {},
    -1,
    1.5,
    1e300,
    2 ** 53,
    Number.MAX_SAFE_INTEGER,
    '__proto__',
    '\0',
    '/',
    '../x',
  ],
  ...[
    '9999-12-31T23:59:59.999Z',
    '0000-00-00T00:00:00Z',
    '2026-02-30T00:00:00Z',
    'f'.repeat(64),
    'x'.repeat(3000),
  ],
];

type Below = (limit: number) => number;

/** Changes one place of a JSON text: another value, a missing or a second entry. Undefined for a text that is no JSON. */
export function reshapeJson(input: Buffer, below: Below): Buffer | undefined {
  try {
    return Buffer.from(JSON.stringify(changed(JSON.parse(input.toString()), below)));
  } catch {
    return undefined;
  }
}

function changed(value: unknown, below: Below): unknown {
  if (typeof value !== 'object' || value === null || below(8) === 0) return VALUES[below(VALUES.length)];
  if (Array.isArray(value)) {
    const items = [...(value as unknown[])];
    const at = below(items.length + 1);
    if (at === items.length || below(4) === 0)
      items.splice(at, 0, items[below(items.length)] ?? VALUES[below(VALUES.length)]);
    else if (below(4) === 0) items.splice(at, 1);
    else items[at] = changed(items[at], below);
    return items;
  }
  const entries = Object.entries(value);
  const [key = 'key', held] = entries[below(entries.length)] ?? [];
  const others = entries.filter(([other]) => other !== key);
  if (below(6) === 0) return Object.fromEntries(others);
  return Object.fromEntries([...others, [below(12) === 0 ? `${key}x` : key, changed(held, below)]]);
}
