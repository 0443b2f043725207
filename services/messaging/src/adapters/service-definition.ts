import { MessagingServiceService, ReceiveRequest } from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';

/** Told apart from a message of a later version, which is empty, too, but no fault. */
export const MALFORMED: ReceiveRequest = { message: undefined };

/**
 * The service as generated, except that bytes on a Receive stream that are no message become
 * {@link MALFORMED}: that is answered with a status of ours, while grpc-js would say INTERNAL.
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
