// Writes the settings of all services into docs/operations.md, from the tables that the services read.
// With --check, writes nothing, and fails if the file would change.
import { readFile, writeFile } from 'node:fs/promises';

const PAGE = new URL('../docs/operations.md', import.meta.url);

const { flagName, variableName } = await import('../libs/common/dist/config/options.js');
const tables = {
  tracker: (await import('../services/tracker/dist/config.js')).trackerOptions,
  messaging: (await import('../services/messaging/dist/config.js')).messagingOptions,
  agent: (await import('../services/peer-agent/dist/config.js')).agentOptions,
};

const cell = (text) => text.replaceAll('|', '\\|').replaceAll('\n', ' ');

function defaultOf({ default: said, repeatable }) {
  if (said === undefined) return repeatable ? 'none' : '';
  if (typeof said === 'string') return `\`${said}\``;
  return said.shown.startsWith('~') ? `\`${said.shown}\`` : said.shown;
}

function takenBy({ placeholder, isSwitch, repeatable }) {
  if (isSwitch) return 'nothing (`true` in the variable)';
  return `\`${placeholder}\`${repeatable ? ', may be repeated (commas in the variable)' : ''}`;
}

function tableOf(service, options) {
  const rows = Object.entries(options).map(([key, option]) => [
    `\`${flagName(key)}\``,
    `\`${variableName(key, service)}\``,
    takenBy(option),
    defaultOf(option),
    option.description,
  ]);
  const lines = [['flag', 'variable', 'takes', 'default', 'what it is'], Array(5).fill('---'), ...rows];
  return lines.map((cells) => `| ${cells.map(cell).join(' | ')} |`).join('\n');
}

const before = await readFile(PAGE, 'utf8');
let after = before;
for (const [service, options] of Object.entries(tables)) {
  const [begin, end] = [`<!-- settings of ${service} -->`, `<!-- end of settings of ${service} -->`];
  const [from, to] = [after.indexOf(begin), after.indexOf(end)];
  if (from < 0 || to < from)
    throw new Error(`docs/operations.md has no place for the settings of ${service}`);
  after = `${after.slice(0, from + begin.length)}\n\n${tableOf(service, options)}\n\n${after.slice(to)}`;
}
if (after === before) process.exit(0);
if (process.argv.includes('--check')) {
  console.error('the settings in docs/operations.md are out of date: run `make docs`');
  process.exit(1);
}
await writeFile(PAGE, after);
