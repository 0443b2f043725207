import { ServerInterceptingCall, type Metadata, type ServerInterceptor } from '@grpc/grpc-js';
import { plainHost } from '@enjambre/common/config/address';

/** Set by the server; a caller's value under this name is overwritten. */
const KEY = 'enjambre-reached-at';

/** Records for handlers the local address at which a caller reached the server. */
export const noteReachedAt: ServerInterceptor = (_, call) =>
  new ServerInterceptingCall(call, {
    start: (next) =>
      next({
        onReceiveMetadata: (metadata, pass) => {
          metadata.set(KEY, call.getConnectionInfo().localAddress ?? '');
          pass(metadata);
        },
      }),
  });

/** The local address at which a caller reached the server; empty if unknown. */
export function reachedAt(metadata: Metadata): string {
  const [address] = metadata.get(KEY);
  return typeof address === 'string' ? plainHost(address) : '';
}
