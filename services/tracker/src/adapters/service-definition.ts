import { ConnectRequest, TrackerServiceService } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';

/** Told apart from a message of a later version, which is empty, too, but no fault. */
export const MALFORMED: ConnectRequest = { sequence: 0n, message: undefined };

/**
 * The service as generated, except that bytes on a Connect stream that are no message
 * become {@link MALFORMED}: that is answered with a Problem, while grpc-js would end the stream.
 */
export const TRACKER_DEFINITION: TrackerServiceService = {
  ...TrackerServiceService,
  connect: { ...TrackerServiceService.connect, requestDeserialize: decodeRequest },
};

function decodeRequest(bytes: Buffer): ConnectRequest {
  try {
    return ConnectRequest.decode(bytes);
  } catch {
    return MALFORMED;
  }
}
