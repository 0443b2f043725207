import type { handleBidiStreamingCall, Server, ServerDuplexStream, ServiceDefinition } from '@grpc/grpc-js';
import { ReflectionService } from '@grpc/reflection';
import { loadFileDescriptors } from './descriptors.js';

/** The only method of each version of the reflection service. */
const METHOD = 'ServerReflectionInfo';

interface ReflectionVersion {
  readonly definition: ServiceDefinition;
  readonly answer: handleBidiStreamingCall<unknown, unknown>;
}

/**
 * Adds reflection with all our descriptors that lists `services`. Its tables are built at the first request:
 * most servers never receive one, and building them took a considerable part of the start.
 */
export function addReflection(server: Server, services: readonly string[]): void {
  let made: readonly ReflectionVersion[] | undefined;
  versionsOf([], services).forEach(({ definition }, version) => {
    const answer: ReflectionVersion['answer'] = (call) => {
      made ??= versionsOf(loadFileDescriptors(), services);
      made[version]?.answer(paced(call));
    };
    server.addService(definition, { [METHOD]: answer });
  });
}

/** Lets the next question in when the answer to the last one is sent: an answer is much longer. */
function paced(call: ServerDuplexStream<unknown, unknown>): ServerDuplexStream<unknown, unknown> {
  const write = call.write.bind(call) as (answer: unknown, sent: () => void) => boolean;
  call.write = (answer: unknown): boolean => {
    call.pause();
    return write(answer, () => {
      call.resume();
    });
  };
  return call;
}

/** The service in each of its versions, independent of the descriptors. */
function versionsOf(
  fileDescriptorProtos: readonly Buffer[],
  services: readonly string[],
): ReflectionVersion[] {
  const versions: ReflectionVersion[] = [];
  const recorder: Pick<Server, 'addService'> = {
    addService: (definition, { [METHOD]: answer }) =>
      void versions.push({ definition, answer: answer as ReflectionVersion['answer'] }),
  };
  // @grpc/reflection reads only the raw descriptors of a package definition.
  const raw = { all: { format: 'raw', type: {}, fileDescriptorProtos } };
  const definitions = raw as unknown as ConstructorParameters<typeof ReflectionService>[0];
  new ReflectionService(definitions, { services: [...services] }).addToServer(recorder);
  return versions;
}
