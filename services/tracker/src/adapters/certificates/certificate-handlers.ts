import { EnjambreError } from '@enjambre/core/error';
import {
  CertificateServiceService,
  type CertificateServiceServer,
} from '@enjambre/proto/gen/enjambre/trust/v1/trust';
import type { HandlerFactory } from '@enjambre/rpc/handlers';
import type { ServedService } from '@enjambre/rpc/server';
import type { Issuer } from './issuer.js';

/** CertificateService, with the CA of `issuer`. */
export function certificateService(handlers: HandlerFactory, issuer: Issuer): ServedService {
  const implementation: CertificateServiceServer = {
    getAuthorities: handlers.unary(() => {
      const { authorities, authorityLists } = issuer;
      return { authorities, authorityLists };
    }),
    join: handlers.unary(({ token, signingRequest, name }) => issuer.join(token, signingRequest, name)),
    renew: handlers.unary(({ signingRequest }, { caller }) => {
      if (caller) return issuer.renew(signingRequest, caller.identity, caller.certificate);
      const message = 'a certificate is renewed over TLS only: connect with the one that is to be renewed';
      throw new EnjambreError('unauthenticated', 'NO_CERTIFICATE', message);
    }),
  };
  const name = 'enjambre.trust.v1.CertificateService';
  return { name, definition: CertificateServiceService, implementation };
}
