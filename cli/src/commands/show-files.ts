import { EnjambreError } from '@enjambre/core/error';
import type { Content, ContentEntry } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { withAgent } from '../agent-client.js';
import type { Session } from '../context.js';
import { downloadSource } from '../ref.js';
import { count, formatBytes, plain } from '../render/text.js';
import { forEach } from '../several.js';

export interface ShowFilesOptions {
  readonly publisher?: string | undefined;
  readonly select?: readonly string[];
}

/** Columns of a size. */
const SIZE_COLUMNS = 8;

/** Flags of `get` for what is downloaded, by the names of their values. */
const DOWNLOADING: Readonly<Record<string, string>> = {
  output: '--output',
  name: '--name',
  replace: '--replace',
  follow: '--follow',
  detach: '--detach',
  timeout: '--timeout',
  exec: '--exec',
  maxUpload: '--max-upload',
  maxDownload: '--max-download',
  priority: '--priority',
  seedRatio: '--seed-ratio',
  seedTime: '--seed-time',
};

/** Throws `invalid` USAGE if flags are given that have no meaning for a list of files. */
export function checkShown(given: Readonly<Record<string, unknown>>): void {
  const useless = Object.keys(DOWNLOADING).filter(
    (each) => given[each] !== undefined && given[each] !== false,
  );
  if (useless.length === 0) return;
  const flags = useless.map((each) => DOWNLOADING[each]).join(', ');
  const message = `--show-files downloads nothing: leave out ${flags}`;
  throw new EnjambreError('invalid', 'USAGE', message);
}

/** `enjambre get --show-files`: the files in shared content, one a line, as `--select` names them. */
export async function showFiles(
  session: Session,
  refs: readonly string[],
  { publisher = '', select = [] }: ShowFilesOptions,
): Promise<void> {
  await withAgent(session, (agent) =>
    forEach(session, refs, async (ref) => {
      const source = await downloadSource(ref, session);
      for await (const { content, entries } of agent.contents({ source, publisher, select: [...select] })) {
        if (content) begin(session, content);
        for (const entry of entries) show(session, entry);
      }
    }),
  );
}

function begin({ output }: Session, content: Content): void {
  const { name, sizeBytes, fileCount, selectedBytes, selectedFileCount } = content;
  const isPart = selectedFileCount < fileCount;
  output.object({
    type: 'content',
    infohash: content.infohash,
    name,
    folder: content.folder,
    size_bytes: sizeBytes,
    file_count: fileCount,
    selected_bytes: isPart ? selectedBytes : undefined,
    selected_file_count: isPart ? selectedFileCount : undefined,
  });
  const part = isPart ? `${formatBytes(selectedBytes)}, ${count(selectedFileCount, 'file')}, of ` : '';
  output.hint(`${plain(name)}: ${part}${formatBytes(sizeBytes)}, ${count(fileCount, 'file')}`);
}

function show({ output }: Session, { path, sizeBytes, executable }: ContentEntry): void {
  output.object({ type: 'entry', path, size_bytes: sizeBytes, executable });
  output.line(`${formatBytes(sizeBytes).padStart(SIZE_COLUMNS)}  ${plain(path)}`);
}
