// Wraps the prose of all documents at 120 columns: paragraphs and list items with a longer line. Tables, code,
// headings and HTML are not changed, nor is a single longer word, such as a link.
// With --check, writes nothing, and fails if the file would change.
import { readdir, readFile, writeFile } from 'node:fs/promises';

const ROOT = new URL('../', import.meta.url);
const COLUMNS = 120;
/** Not prose: table row, heading, HTML, quotation, rule, link definition. */
const OTHER = /^\s*(\||#|<|>|---|\[[^\]]+\]:)/;
const ITEM = /^(\s*)([-*+]|\d+\.)(\s+)/;
const FENCE = /^\s*(```|~~~)/;

async function documents() {
  const folders = await Promise.all(
    ['docs/', 'docs/adr/'].map(async (folder) =>
      (await readdir(new URL(folder, ROOT))).map((name) => folder + name),
    ),
  );
  return ['README.md', 'CONTRIBUTING.md', ...folders.flat()].filter((path) => path.endsWith('.md'));
}

/** Words of Markdown: text in backticks or in a link may be broken, a link's address may not. */
function wordsOf(lines) {
  return lines
    .map((line) => line.trim())
    .join(' ')
    .split(/ +/);
}

/** True for a word that would start a heading, list item or quotation at the start of a line. */
function opensBlock(word) {
  return /^([-*+>|]|#{1,6}|\d+[.)])$/.test(word) || /^(```|~~~|<\w)/.test(word);
}

function filled(words, first, rest) {
  const lines = [];
  let line = first;
  let isEmpty = true;
  for (const word of words) {
    if (!isEmpty && [...line].length + 1 + [...word].length > COLUMNS && !opensBlock(word)) {
      lines.push(line);
      line = rest;
      isEmpty = true;
    }
    line += isEmpty ? word : ` ${word}`;
    isEmpty = false;
  }
  return [...lines, line];
}

function wrappedBlock(block) {
  if (!block.some((line) => [...line].length > COLUMNS)) return block;
  const [, indent = '', mark = '', gap = ''] = ITEM.exec(block[0]) ?? /^(\s*)/.exec(block[0]);
  const first = indent + mark + gap;
  const words = wordsOf([block[0].slice(first.length), ...block.slice(1)]);
  return filled(words, first, ' '.repeat(first.length));
}

function wrapped(text) {
  const out = [];
  let block = [];
  let inFence = false;
  const flush = () => {
    if (block.length > 0) out.push(...wrappedBlock(block));
    block = [];
  };
  for (const line of text.split('\n')) {
    const isFence = FENCE.test(line);
    if (isFence || inFence || line.trim() === '' || OTHER.test(line)) {
      flush();
      out.push(line);
      if (isFence) inFence = !inFence;
      continue;
    }
    if (ITEM.test(line)) flush();
    block.push(line);
  }
  flush();
  return out.join('\n');
}

const isCheck = process.argv.includes('--check');
for (const path of await documents()) {
  const file = new URL(path, ROOT);
  const before = await readFile(file, 'utf8');
  const after = wrapped(before);
  if (after === before) continue;
  if (!isCheck) {
    await writeFile(file, after);
    continue;
  }
  console.error(`${path} has lines of more than ${COLUMNS} columns: run \`make docs\``);
  process.exitCode = 1;
}
