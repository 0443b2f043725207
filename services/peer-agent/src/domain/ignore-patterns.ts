/** Names of temporary files of programs, and of hidden files of operating systems. */
const TEMPORARY = [
  '.*',
  '*~',
  '~$*',
  '*.part',
  '*.partial',
  '*.tmp',
  '*.temp',
  '*.crdownload',
  '*.download',
  '*.filepart',
  '*.aria2',
  '*.!qb',
  '*.!ut',
  '*.swp',
  '*.swo',
  '*.swx',
  'thumbs.db',
  'desktop.ini',
];

/**
 * Returns a test whether a name (not a path) is excluded from sharing: temporary, hidden, or matched by one of
 * `patterns`, in which `*` stands for any characters and `?` for one. Case-insensitive.
 */
export function ignoredNames(patterns: readonly string[]): (name: string) => boolean {
  const rules = [...TEMPORARY, ...patterns].map(expressionOf);
  return (name) => rules.some((rule) => rule.test(name));
}

function expressionOf(pattern: string): RegExp {
  const source = pattern
    .replace(/[\\^$.+()[\]{}|]/g, '\\$&')
    .replace(/\*+/g, '.*')
    .replace(/\?/g, '.');
  return new RegExp(`^${source}$`, 'isu');
}
