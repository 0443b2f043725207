import { expect } from '@jest/globals';
import type { CommandResult } from '@enjambre/harness/swarm';

export type JsonLine = Readonly<Record<string, unknown>>;

/** The last line of a successful `--json` command. */
export function lastLine(result: CommandResult): JsonLine {
  expect(result).toMatchObject({ code: 0, stderr: '' });
  const line = result.json.at(-1);
  if (!line) throw new Error('the command printed nothing');
  return line;
}

/** All lines of a successful `--json` command. */
export function allLines(result: CommandResult): readonly JsonLine[] {
  expect(result).toMatchObject({ code: 0, stderr: '' });
  expect(result.json.map((line) => JSON.stringify(line)).join('\n')).toBe(result.stdout);
  return result.json;
}

/** Expects exit code `code` and one sentence that matches `about`: no stack trace, nothing else. */
export function expectRefused(result: CommandResult, code: number, about: RegExp): void {
  expect(result).toMatchObject({ code, stdout: '' });
  expectSentence(result.stderr, about);
}

/** Expects `text` to be one line for people. */
export function expectSentence(text: string, about: RegExp): void {
  expect(text).toMatch(/^enjambre: \S[^\n]*$/);
  expect(text).not.toMatch(/\bat \S+ \(|node:internal|\.js:\d|Error:|\[object |undefined|INTERNAL/);
  expect(text).toMatch(about);
}
