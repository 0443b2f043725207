/** The encoded google.protobuf.FileDescriptorSet of all protos, made with the generated code. */
export const DESCRIPTOR_SET = new URL('../descriptors.binpb', import.meta.url);
