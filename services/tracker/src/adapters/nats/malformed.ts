import { EnjambreError } from '@enjambre/core/error';

const MAX_ENDPOINT_CHARS = 300;

export function malformed(fault: string): EnjambreError {
  return new EnjambreError(
    'invalid',
    'BAD_REPLICA_MESSAGE',
    `a message from another tracker is malformed: ${fault}`,
  );
}

/** Throws `invalid` BAD_REPLICA_MESSAGE. */
export function shortText(text: string, maxChars: number): string {
  if (text.length > maxChars) throw malformed(`it has a text longer than ${maxChars} characters`);
  return text;
}

/** Throws `invalid` BAD_REPLICA_MESSAGE. */
export function toEndpoint(text: string): string {
  return shortText(text, MAX_ENDPOINT_CHARS);
}
