type Bencodable = number | string | Uint8Array | { readonly [key: string]: Bencodable };

/**
 * Metainfo (BEP 52) with arbitrary names, encoded here since our own code refuses bad ones.
 * Every file has one byte; a single file with the torrent's own name makes it a file, otherwise it is a folder.
 */
export function craftTorrent({
  name,
  files,
}: {
  readonly name: string;
  readonly files: readonly string[];
}): Buffer {
  const leaf = { '': { length: 1, 'pieces root': Buffer.alloc(32, 7) } };
  return bencode({
    info: {
      'file tree': Object.fromEntries(files.map((file) => [file, leaf])),
      'meta version': 2,
      name,
      'piece length': 16_384,
    },
    'piece layers': {},
  });
}

function bencode(value: Bencodable): Buffer {
  if (typeof value === 'number') return Buffer.from(`i${value}e`);
  if (typeof value === 'string') return bencode(Buffer.from(value));
  if (value instanceof Uint8Array) return Buffer.concat([Buffer.from(`${value.length}:`), value]);
  const entries = Object.entries(value).flatMap(([key, held]) => [bencode(key), bencode(held)]);
  return Buffer.concat([Buffer.from('d'), ...entries, Buffer.from('e')]);
}
