// Writes man pages, made from the help of each command: man-pages.mjs FOLDER
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';

const [folder] = process.argv.slice(2);
if (folder === undefined) {
  console.error('usage: man-pages.mjs FOLDER');
  process.exit(2);
}
const { createProgram } = await import('../cli/dist/program.js');
const { addOptionsOf } = await import('../cli/dist/service-commands.js');
const { VERSION } = await import('../libs/common/dist/version.js');

let notes = '';
const stdout = { write: (text) => (notes += text), columns: 72 };
const program = createProgram({ stdout, stderr: stdout, environment: {} });
const commands = program.commands.filter((command) => !command.name().startsWith('_'));
for (const command of commands) await addOptionsOf(command);

/** Text for roff: no backslash, no control line, no hyphen that becomes a dash. */
function roff(text) {
  return text
    .replaceAll('\\', '\\e')
    .replaceAll('-', '\\-')
    .replace(
      /[^\n -~]/gu,
      (letter) => `\\[u${letter.codePointAt(0).toString(16).toUpperCase().padStart(4, '0')}]`,
    )
    .split('\n')
    .map((line) => (/^[.']/.test(line) ? `\\&${line}` : line))
    .join('\n');
}

/** Text after the options of the help, such as examples. */
function notesOf(command) {
  notes = '';
  command.outputHelp();
  const rest = notes.slice(command.helpInformation().length).trim();
  return rest === '' ? [] : ['.SH NOTES', '.nf', roff(rest), '.fi'];
}

function optionsOf(command) {
  const options = command.options.filter(({ hidden }) => !hidden);
  if (options.length === 0) return [];
  return [
    '.SH OPTIONS',
    ...options.flatMap(({ flags, description }) => ['.TP', `\\fB${roff(flags)}\\fR`, roff(description)]),
  ];
}

function usageOf(command) {
  const args = command.registeredArguments.map((arg) => {
    const name = `${arg.name()}${arg.variadic ? '...' : ''}`;
    return arg.required ? name : `[${name}]`;
  });
  return ['[OPTIONS]', ...args].join(' ');
}

function page(name, summary, lines) {
  return [
    `.TH ${name.toUpperCase()} 1 "" "Enjambre ${VERSION}" "Enjambre"`,
    '.SH NAME',
    `${roff(name)} \\- ${roff(summary)}`,
    ...lines,
    '',
  ].join('\n');
}

const SEE = ['.SH SEE ALSO', '\\fBenjambre\\fR(1), \\fBenjambre help COMMAND\\fR'];
const pages = new Map(
  commands.map((command) => [
    `enjambre-${command.name()}`,
    page(`enjambre-${command.name()}`, command.description(), [
      '.SH SYNOPSIS',
      `\\fBenjambre ${roff(command.name())}\\fR ${roff(usageOf(command))}`,
      ...optionsOf(command),
      ...notesOf(command),
      ...SEE,
    ]),
  ]),
);
pages.set(
  'enjambre',
  page('enjambre', program.description(), [
    '.SH SYNOPSIS',
    '\\fBenjambre\\fR [OPTIONS] COMMAND [ARGUMENTS]',
    '.SH COMMANDS',
    ...commands.flatMap((command) => [
      '.TP',
      `\\fBenjambre\\-${roff(command.name())}\\fR(1)`,
      roff(command.description()),
    ]),
    ...optionsOf(program),
    ...notesOf(program),
    '.SH EXIT STATUS',
    roff(
      '0 success, 1 failure, 2 wrong usage, 3 not found, 4 agent or tracker unreachable, 130 interrupted by Ctrl-C.',
    ),
    '.SH FILES',
    roff('~/.config/enjambre/config.yaml: settings of services, and contexts'),
  ]),
);

await mkdir(join(folder, 'man1'), { recursive: true });
for (const [name, text] of pages) await writeFile(join(folder, 'man1', `${name}.1`), text);
