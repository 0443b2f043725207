/** Names of what programs keep for a while, and of what systems hide. */
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
 * Tells of a name, not a path, whether it is not to be shared: temporary, hidden, or
 * matched by one of `patterns`, in which `*` stands for any characters and `?` for one.
 * Upper and lower case are the same.
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
