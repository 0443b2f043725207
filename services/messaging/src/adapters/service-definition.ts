import { MessagingServiceService, ReceiveRequest } from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';

/** Distinguishes malformed bytes from a message of a later version, which is also empty, but valid. */
export const MALFORMED: ReceiveRequest = { message: undefined };

/**
 * The generated service, except that malformed bytes on a Receive stream become {@link MALFORMED}: the
 * service answers with its own status, while grpc-js would answer INTERNAL.
 */
export const MESSAGING_DEFINITION: MessagingServiceService = {
  ...MessagingServiceService,
  receive: { ...MessagingServiceService.receive, requestDeserialize: decodeRequest },
};

function decodeRequest(bytes: Buffer): ReceiveRequest {
  try {
    return ReceiveRequest.decode(bytes);
  } catch {
    return MALFORMED;
  }
}
