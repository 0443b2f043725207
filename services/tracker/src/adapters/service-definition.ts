import { ConnectRequest, TrackerServiceService } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';

/** Distinguishes malformed bytes from a message of a later version, which is also empty, but valid. */
export const MALFORMED: ConnectRequest = { sequence: 0n, message: undefined };

/**
 * The generated service, except that malformed bytes on a Connect stream become {@link MALFORMED}: the
 * tracker answers with a Problem, while grpc-js would end the stream.
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
