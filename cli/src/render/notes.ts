import { wrapWords } from './text.js';

/** An example and what it does. */
const EXAMPLE = /^( +\S.*?)\s{2,}(\S.*)$/;
const INDENT = '      ';

/**
 * The text at the end of a help in lines of at most `width` columns, if its words allow that. Indented lines are
 * examples and stay as they are, except that a comment that does not fit goes below its example.
 */
export function wrapNotes(notes: string, width: number): string {
  const lines: string[] = [];
  let prose: string[] = [];
  const endProse = (): void => {
    if (prose.length > 0) lines.push(...wrapWords(prose.join(' '), width));
    prose = [];
  };
  for (const line of notes.split('\n')) {
    if (line !== '' && !line.startsWith(' ')) {
      prose.push(line);
      continue;
    }
    endProse();
    lines.push(...exampleLines(line, width));
  }
  endProse();
  return lines.join('\n');
}

function exampleLines(line: string, width: number): string[] {
  const [, example, comment] = line.length > width ? (EXAMPLE.exec(line) ?? []) : [];
  if (example === undefined || comment === undefined) return [line];
  const below = wrapWords(comment, width - INDENT.length).map((text) => INDENT + text);
  return [example, ...below];
}
