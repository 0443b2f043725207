import { ConnectRequest, TrackerServiceService } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';

/**
 * The service as generated, except that bytes on a Connect stream that are no message
 * become an empty one: that is answered with a Problem, while grpc-js would end the stream.
 */
export const TRACKER_DEFINITION: TrackerServiceService = {
  ...TrackerServiceService,
  connect: { ...TrackerServiceService.connect, requestDeserialize: decodeRequest },
};

function decodeRequest(bytes: Buffer): ConnectRequest {
  try {
    return ConnectRequest.decode(bytes);
  } catch {
    return { sequence: 0n, message: undefined };
  }
}
