/** The encoded google.protobuf.FileDescriptorSet of all protos, generated together with the code. */
export const DESCRIPTOR_SET = new URL('../descriptors.binpb', import.meta.url);
