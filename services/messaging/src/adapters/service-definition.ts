import { MessagingServiceService, ReceiveRequest } from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';

/**
 * The service as generated, except that bytes on a Receive stream that are no message become
 * an empty one: that is answered with a status of ours, while grpc-js would say INTERNAL.
 */
export const MESSAGING_DEFINITION: MessagingServiceService = {
  ...MessagingServiceService,
  receive: { ...MessagingServiceService.receive, requestDeserialize: decodeRequest },
};

function decodeRequest(bytes: Buffer): ReceiveRequest {
  try {
    return ReceiveRequest.decode(bytes);
  } catch {
    return { message: undefined };
  }
}
