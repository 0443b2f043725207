import type { CallContext } from '@enjambre/rpc/handlers';
import type {
  ContentEntry,
  ListContentsRequest,
  ListContentsResponse,
} from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import type { Contents, ContentsLookup } from '../../app/transfer/contents.js';
import { sourceOf } from './source.js';

/** Time for a peer to send the metainfo. */
const SEARCH_MS = 30_000;
const ENTRIES_A_MESSAGE = 1000;

/** Streams the files in shared content. */
export async function* listContents(
  contents: ContentsLookup,
  { source, publisher, select }: ListContentsRequest,
  { signal }: CallContext,
): AsyncGenerator<ListContentsResponse> {
  const inTime = AbortSignal.any([signal, AbortSignal.timeout(SEARCH_MS)]);
  const found = await contents.find(sourceOf(source), { publisher, select }, inTime);
  const { infohash, name, isFolder, totalLength, files } = found.info;
  const selected = files.filter((_, file) => found.isSelected(file));
  const content = {
    infohash,
    name,
    folder: isFolder,
    sizeBytes: BigInt(totalLength),
    fileCount: files.length,
    selectedBytes: BigInt(selected.reduce((sum, { length }) => sum + length, 0)),
    selectedFileCount: selected.length,
  };
  yield { content, entries: [] };
  for (let from = 0; from < selected.length; from += ENTRIES_A_MESSAGE)
    yield { content: undefined, entries: selected.slice(from, from + ENTRIES_A_MESSAGE).map(entryOf) };
}

function entryOf({ path, length, executable }: Contents['info']['files'][number]): ContentEntry {
  return { path: path.join('/'), sizeBytes: BigInt(length), executable: executable ?? false };
}
