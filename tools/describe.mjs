// Describes a service: reads the answer of grpc.reflection.v1 about a symbol, as JSON, on standard input.
import { text } from 'node:stream/consumers';
import { fromBinary } from '@bufbuild/protobuf';
import {
  FieldDescriptorProto_Label,
  FieldDescriptorProto_Type,
  FileDescriptorProtoSchema,
} from '@bufbuild/protobuf/wkt';

const { fileDescriptorResponse } = JSON.parse(await text(process.stdin));
const [encoded] = fileDescriptorResponse.fileDescriptorProto;
const file = fromBinary(FileDescriptorProtoSchema, Buffer.from(encoded, 'base64'));
const short = (type) => type.replace(`.${file.package}.`, '').replace(/^\./, '');

for (const { name, method } of file.service) {
  console.log(`service ${file.package}.${name}`);
  for (const { name: its, inputType, outputType, clientStreaming, serverStreaming } of method) {
    const [takes, gives] = [clientStreaming, serverStreaming].map((streams) => (streams ? 'stream ' : ''));
    console.log(`  ${its} (${takes}${short(inputType)}) returns (${gives}${short(outputType)})`);
  }
}
for (const { name, field } of file.messageType) {
  console.log(`message ${name}`);
  for (const { name: its, label, type, typeName } of field) {
    const repeated = label === FieldDescriptorProto_Label.REPEATED ? 'repeated ' : '';
    console.log(
      `  ${repeated}${typeName === '' ? FieldDescriptorProto_Type[type].toLowerCase() : short(typeName)} ${its}`,
    );
  }
}
