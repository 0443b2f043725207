import { createHash } from 'node:crypto';
import { fileRoot } from '@enjambre/core/file-root';

/** Metainfo made by an attacker, with the content that it stands for. */
export interface HostileTorrent {
  readonly bytes: Buffer;
  readonly infohash: Buffer;
  readonly content: Buffer;
}

const PIECE = 16_384;

/** 50,000 files, all of one root with 40,000 pieces: 2·10⁹ pieces in about 5 MB. */
export function manyPieces(): HostileTorrent {
  const [files, pieces] = [50_000, 40_000];
  const layer = Buffer.alloc(32 * pieces, 7);
  const root = fileRoot(layer, pieces * PIECE, PIECE);
  const leaf = leafOf(pieces * PIECE, root);
  const tree = Buffer.concat([
    Buffer.from('d'),
    ...Array.from({ length: files }, (_, number) => {
      const name = String(100_000 + number);
      return Buffer.concat([text(name), Buffer.from('d0:'), leaf, Buffer.from('e')]);
    }),
    Buffer.from('e'),
  ]);
  return torrentOf(
    'pieces.bin',
    tree,
    Buffer.concat([Buffer.from('d'), text(root), text(layer), Buffer.from('e')]),
  );
}

/** A folder named ".ssh" with a file "authorized_keys". */
export function hiddenTorrent(): HostileTorrent {
  const content = Buffer.from('ssh-ed25519 AAAA mallory\n');
  const root = createHash('sha256').update(content).digest();
  const tree = Buffer.concat([
    ...[Buffer.from('d'), text('authorized_keys'), Buffer.from('d0:')],
    ...[leafOf(content.length, root), Buffer.from('ee')],
  ]);
  return { ...torrentOf('.ssh', tree, Buffer.from('de')), content };
}

/** 9.75 MB that take seconds to parse. */
export function expensiveTorrent(): Buffer {
  const leaf = leafOf(1, Buffer.alloc(32, 9));
  const tree = Buffer.concat([
    Buffer.from('d'),
    ...Array.from({ length: 135_000 }, (_, number) =>
      Buffer.concat([text(String(1_000_000 + number)), Buffer.from('d0:'), leaf, Buffer.from('e')]),
    ),
    Buffer.from('e'),
  ]);
  return torrentOf('other.bin', tree, Buffer.from('de')).bytes;
}

function torrentOf(name: string, tree: Buffer, layers: Buffer): HostileTorrent {
  const info = Buffer.concat([
    ...[Buffer.from('d'), text('file tree'), tree, text('meta version'), Buffer.from('i2e')],
    ...[text('name'), text(name), text('piece length'), Buffer.from(`i${PIECE}ee`)],
  ]);
  const bytes = Buffer.concat([
    ...[Buffer.from('d'), text('info'), info, text('piece layers'), layers, Buffer.from('e')],
  ]);
  return { bytes, infohash: createHash('sha256').update(info).digest(), content: Buffer.alloc(1) };
}

/** The properties of a file. */
function leafOf(length: number, root: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from(`d6:lengthi${length}e`),
    text('pieces root'),
    text(root),
    Buffer.from('e'),
  ]);
}

function text(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value as string);
  return Buffer.concat([Buffer.from(`${bytes.length}:`), bytes]);
}
