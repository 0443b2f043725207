import { readFileSync } from 'node:fs';

const README = new URL('../../../README.md', import.meta.url);

/** The commands of a section of the README, block by block, as written. */
export function commandsOf(section: string): readonly (readonly string[])[] {
  const text = readFileSync(README, 'utf8');
  const begin = text.indexOf(`\n## ${section}\n`);
  if (begin < 0) throw new Error(`the README has no section "${section}"`);
  const end = text.indexOf('\n## ', begin + 1);
  const blocks = text.slice(begin, end < 0 ? undefined : end).matchAll(/```console\n(.*?)```/gs);
  return [...blocks].map(([, block = '']) =>
    block
      .split('\n')
      .filter((line) => line.startsWith('$ '))
      .map((line) => line.slice(2)),
  );
}
