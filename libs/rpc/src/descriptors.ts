import { readFileSync } from 'node:fs';
import { BinaryReader } from '@bufbuild/protobuf/wire';
import { DESCRIPTOR_SET } from '@enjambre/proto/descriptors';

/** Field `file` of google.protobuf.FileDescriptorSet: number 1, length-delimited. */
const FILE_TAG = (1 << 3) | 2;

/**
 * Encoded FileDescriptorProtos of all our protos, including health. `buf build` creates the set together with
 * the generated code. With raw descriptors, reflection can describe services and not only list them.
 */
export function loadFileDescriptors(): Buffer[] {
  const set = readFileSync(DESCRIPTOR_SET);
  const reader = new BinaryReader(set);
  const files: Buffer[] = [];
  while (reader.pos < reader.len) {
    if (reader.uint32() !== FILE_TAG)
      throw new Error('descriptors.binpb is not a FileDescriptorSet: run `make gen`');
    files.push(Buffer.from(reader.bytes()));
  }
  return files;
}
