import type { Metainfo, MetainfoFile } from '@enjambre/core/metainfo';
import { formatBytes, plain } from './text.js';

const INDENT = '  ';

/**
 * The files of a torrent as lines, in their order: sizes on the left, each folder once above
 * its contents, executable files marked. Lazy: a torrent may have 100,000 files.
 */
export function* treeLines({
  files,
  isFolder,
  name,
}: Pick<Metainfo, 'files' | 'isFolder' | 'name'>): Generator<string, void, undefined> {
  const sizes = files.map(({ length }) => formatBytes(length));
  const width = sizes.reduce((widest, size) => Math.max(widest, size.length), 0);
  const line = (size: string, depth: number, text: string): string =>
    `${size.padStart(width)}  ${INDENT.repeat(depth)}${plain(text)}`;
  if (isFolder) yield line('', 0, `${name}/`);
  const top = isFolder ? 1 : 0;
  let open: readonly string[] = [];
  for (const [index, file] of files.entries()) {
    const folders = file.path.slice(0, -1);
    for (let depth = sharedDepth(open, folders); depth < folders.length; depth += 1) {
      yield line('', top + depth, `${folders[depth] ?? ''}/`);
    }
    open = folders;
    yield line(sizes[index] ?? '', top + folders.length, titleOf(file));
  }
}

/** Number of leading folders that two paths have in common. */
function sharedDepth(a: readonly string[], b: readonly string[]): number {
  let depth = 0;
  while (depth < a.length && a[depth] === b[depth]) depth += 1;
  return depth;
}

function titleOf({ path, executable }: MetainfoFile): string {
  return `${path.at(-1) ?? ''}${executable ? '  (executable)' : ''}`;
}
