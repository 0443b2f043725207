import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from '@jest/globals';

const FOLDER = new URL('../../docs/adr/', import.meta.url);
const RECORDS = readdirSync(FOLDER).sort();
const DAY = String.raw`20\d\d-\d\d-\d\d`;
const STATUS = new RegExp(
  String.raw`^\*\*Status\.\*\* (Accepted|Superseded by \[ADR \d+\]\(\S+\)), ${DAY}(; amended ${DAY}[^.]*)*\b`,
);

describe('architecture decision records', () => {
  it('are numbered from 1, without a gap', () => {
    const numbers = RECORDS.map((name) => Number(name.slice(0, 4)));
    expect(numbers).toEqual(numbers.map((_, index) => index + 1));
  });

  it.each(RECORDS)('%s has its number, a status with a date, and its parts in order', (name) => {
    const [title = '', status = '', ...parts] = readFileSync(new URL(name, FOLDER), 'utf8').split('\n\n');
    expect(title).toMatch(new RegExp(`^# ${Number(name.slice(0, 4))}\\. `));
    expect(status).toMatch(STATUS);
    const headings = parts.flatMap((part) => /^\*\*(\w+)\.\*\*/.exec(part)?.[1] ?? []);
    expect(headings).toEqual(['Context', 'Decision', 'Consequences']);
  });
});
