import { ServerInterceptingCall, type Metadata, type ServerInterceptor } from '@grpc/grpc-js';
import { plainHost } from '@enjambre/common/config/address';

/** Set by the server itself: what a caller says under this name is overwritten. */
const KEY = 'enjambre-reached-at';

/** Notes for handlers at which address of this machine a caller reached the server. */
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

/** The address of this machine at which a caller reached the server; empty if that is not known. */
export function reachedAt(metadata: Metadata): string {
  const [address] = metadata.get(KEY);
  return typeof address === 'string' ? plainHost(address) : '';
}
