import { mkdir, realpath, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import type { ConfigFile } from '@enjambre/common/config/config-file';
import { systemErrorText } from '@enjambre/common/system-error';
import { EnjambreError } from '@enjambre/core/error';
import type { Document } from 'yaml';
import type { Given } from '../client-command.js';
import { configFileOf, configPathOf } from '../configuration.js';
import type { Session } from '../context.js';
import { replaceFile } from '@enjambre/common/files/new-file';
import { text } from '../option-values.js';
import { plain } from '../render/text.js';
import { pathFrom } from '../working-folder.js';

const CONTEXT_FLAGS = ['agent', 'data-dir', 'tls', 'token-file', 'tracker'] as const;
/** Flags whose values are paths. */
const PATH_FLAGS: ReadonlySet<string> = new Set(['data-dir', 'tls', 'token-file']);

/** `enjambre config`: shows and changes the configuration file. Makes no calls. */
export async function config(session: Session, words: readonly string[], given: Given): Promise<void> {
  const [action = 'view', name, ...rest] = words;
  const file = await configFileOf(given, session.context, { mayBeMissing: true });
  const needsName = action.endsWith('use-context') || action === 'set-context' || action === 'delete-context';
  if (rest.length > 0 || needsName !== (name !== undefined)) throw usage();
  switch (action) {
    case 'view': {
      view(session, file, configPathOf(given, session.context));
      return;
    }
    case 'get-contexts': {
      contexts(session, file);
      return;
    }
    case 'current-context': {
      current(session, file);
      return;
    }
    case 'use-context':
    case 'set-context':
    case 'delete-context':
      return change(session, file, {
        path: configPathOf(given, session.context),
        action,
        name: name ?? '',
        given,
      });
    default:
      throw usage();
  }
}

function usage(): EnjambreError {
  const message =
    'write `config view`, `config get-contexts`, `config current-context`, or `config use-context NAME`, `config set-context NAME --agent ADDR`, `config delete-context NAME`';
  return new EnjambreError('invalid', 'USAGE', message);
}

function view({ output }: Session, file: ConfigFile | undefined, path: string): void {
  output.object({ type: 'config', path, exists: file !== undefined, text: file?.text });
  if (!file) output.hint(`there is no configuration file ${path}`);
  else output.line(file.text.replace(/\n$/, ''));
}

function contexts({ output }: Session, file: ConfigFile | undefined): void {
  for (const [name, its] of file?.contexts ?? []) {
    const isCurrent = name === file?.currentContext;
    const { agent, tracker, tls, 'data-dir': dataDir, 'token-file': tokenFile } = its;
    output.object({
      type: 'context',
      name,
      current: isCurrent,
      agent,
      tracker,
      data_dir: dataDir,
      token_file: tokenFile,
      tls,
    });
    output.line(`${isCurrent ? '*' : ' '} ${plain(name)}  ${plain(agent ?? dataDir ?? tracker ?? '')}`);
  }
  if ((file?.contexts.size ?? 0) === 0)
    output.hint('there are no contexts: `enjambre config set-context` adds one');
}

function current({ output }: Session, file: ConfigFile | undefined): void {
  const name = file?.currentContext;
  if (name === undefined) {
    const message = 'no context is current: `enjambre config use-context NAME` chooses one';
    throw new EnjambreError('not-found', 'NO_CONTEXT', message);
  }
  output.object({ type: 'context', name, current: true });
  output.line(plain(name));
}

interface Change {
  readonly path: string;
  readonly action: 'use-context' | 'set-context' | 'delete-context';
  readonly name: string;
  readonly given: Given;
}

async function change(
  { output, context }: Session,
  file: ConfigFile | undefined,
  { path, action, name, given }: Change,
): Promise<void> {
  const { parseDocument } = await import('yaml');
  // Edits the document, so that comments stay.
  const document = parseDocument(file?.text ?? '');
  const isKnown = file?.contexts.has(name) === true;
  if (action !== 'set-context' && !isKnown) {
    const message = `there is no context "${name}" in ${path}: \`enjambre config get-contexts\` lists them`;
    throw new EnjambreError('not-found', 'NO_CONTEXT', message);
  }
  if (document.get('contexts') === null) document.delete('contexts');
  if (action === 'set-context') set(document, name, { given, context });
  else if (action === 'use-context') document.set('current-context', name);
  else {
    document.deleteIn(['contexts', name]);
    if (file?.currentContext === name) document.delete('current-context');
  }
  await save(path, String(document));
  const done = { 'use-context': 'is now current', 'set-context': 'is set', 'delete-context': 'is deleted' }[
    action
  ];
  output.object({ type: 'context', name, current: action === 'use-context' });
  output.line(`context ${plain(name)} ${done}`);
}

/** Paths are stored whole: later commands run in other folders. */
function set(
  document: Document,
  name: string,
  { given, context }: Pick<Change, 'given'> & Pick<Session, 'context'>,
): void {
  const values = CONTEXT_FLAGS.flatMap((flag) => {
    const value = text(given[flag.replace(/-./g, (letter) => letter.slice(1).toUpperCase())]);
    return value === undefined ? [] : [[flag, value] as const];
  });
  if (values.length === 0) {
    const message = `set-context: name what it selects: ${CONTEXT_FLAGS.map((flag) => `--${flag}`).join(', ')}`;
    throw new EnjambreError('invalid', 'USAGE', message);
  }
  for (const [flag, value] of values) {
    const isPath = PATH_FLAGS.has(flag) && !value.startsWith('~/');
    document.setIn(['contexts', name, flag], isPath ? pathFrom(context, value) : value);
  }
}

/** Its mode stays, and a link to it. */
async function save(named: string, yaml: string): Promise<void> {
  const path = await realpath(named).catch(() => named);
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const before = await stat(path).catch(() => undefined);
    await replaceFile(path, yaml, before ? before.mode & 0o777 : 0o600);
  } catch (error) {
    const message = `cannot write ${path} (${systemErrorText(error)}): fix its permissions, or name another file with --config`;
    throw new EnjambreError('denied', 'PATH_NOT_WRITABLE', message, { cause: error });
  }
}
