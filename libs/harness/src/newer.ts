import type { MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';

/** Fields that no version has used so far, one of each wire type, as a newer version may send them. */
export const UNKNOWN_FIELDS = Buffer.from(
  [
    'c03e' + 'ffffffff0f', // 1000, a varint
    'c93e' + '0102030405060708', // 1001, 64 bits
    'd23e' + '04' + '08011203', // 1002, bytes: a message of a oneof, or anything else
    'dd3e' + '01020304', // 1003, 32 bits
    'e33e' + '0801' + 'e43e', // 1004, a group with a field in it
  ].join(''),
  'hex',
);

/**
 * A service as a newer version would implement it: every message that it sends carries fields unknown to this
 * version, and an empty message has a kind unknown to this version.
 */
export function newer<Service extends ServiceDefinition>(service: Service): Service {
  const methods = Object.entries(service).map(([name, method]) => [name, newerMethod(method)]);
  return Object.fromEntries(methods) as Service;
}

function newerMethod(method: MethodDefinition<unknown, unknown>): MethodDefinition<unknown, unknown> {
  const { requestSerialize, responseSerialize } = method;
  return {
    ...method,
    requestSerialize: (message) => Buffer.concat([requestSerialize(message), UNKNOWN_FIELDS]),
    responseSerialize: (message) => Buffer.concat([responseSerialize(message), UNKNOWN_FIELDS]),
  };
}
