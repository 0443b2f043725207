import { expect, test } from '@jest/globals';
import type { ServiceDefinition } from '@grpc/grpc-js';
import { ruleAt } from '@enjambre/core/trust/policy';
import { AgentServiceService } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { AgentMessagingServiceService } from '@enjambre/proto/gen/enjambre/agent/v1/messages';
import { MessagingServiceService } from '@enjambre/proto/gen/enjambre/messaging/v1/messaging';
import { PeerServiceService } from '@enjambre/proto/gen/enjambre/peer/v1/peer';
import { TrackerServiceService } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { CertificateServiceService } from '@enjambre/proto/gen/enjambre/trust/v1/trust';
import { HealthService } from '@enjambre/proto/gen/grpc/health/v1/health';

const SERVICES = [
  AgentServiceService,
  AgentMessagingServiceService,
  MessagingServiceService,
  PeerServiceService,
  TrackerServiceService,
  HealthService,
  CertificateServiceService,
];

const PATHS = SERVICES.flatMap((service: ServiceDefinition) =>
  Object.values(service).map(({ path }) => path),
);

test.each(PATHS)('there is a rule who may call %s', (path) => {
  expect(ruleAt(path)).toBeDefined();
});
