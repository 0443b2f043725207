import { describe } from '@jest/globals';
import { peerConnectorContract } from './contract.js';
import { GrpcSite } from './grpc-site.js';

describe('over connections', () => {
  peerConnectorContract(() => GrpcSite.make());
});
