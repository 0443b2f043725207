import { MessagingServiceService, ReceiveRequest } from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';

/** Distinguishes malformed bytes from a message of a later version, which is also empty, but valid. */
export const MALFORMED: ReceiveRequest = { message: undefined };

/** Above a hello and the largest acknowledgement: 1024 ids of 10 bytes. */
const MAX_REQUEST_BYTES = 16 << 10;

/**
 * The generated service, except that malformed and oversized bytes on a Receive stream become {@link MALFORMED}: the
 * service answers with its own status, while grpc-js would answer INTERNAL.
 */
export const MESSAGING_DEFINITION: MessagingServiceService = {
  ...MessagingServiceService,
  receive: { ...MessagingServiceService.receive, requestDeserialize: decodeRequest },
};

function decodeRequest(bytes: Buffer): ReceiveRequest {
  // Decoding millions of ids would block the service.
  if (bytes.length > MAX_REQUEST_BYTES) return MALFORMED;
  try {
    return ReceiveRequest.decode(bytes);
  } catch {
    return MALFORMED;
  }
}
