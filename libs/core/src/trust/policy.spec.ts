import { expect, test } from '@jest/globals';
import { ROLES } from './certified-identity.js';
import { isPublic, mayCall, mayReadTexts, rightMissingAt, rolesAt, ruleAt } from './policy.js';
import { parsePermission } from './rights.js';

const CONNECT = '/enjambre.tracker.v1.TrackerService/Connect';
const WATCH = '/enjambre.tracker.v1.TrackerService/WatchEvents';

test('a method without a rule is for nobody', () => {
  for (const path of [
    '/enjambre.tracker.v1.TrackerService/Later',
    '/other.Service/Call',
    '/constructor/x',
    '',
    '/',
  ])
    for (const role of ROLES) {
      expect(ruleAt(path)).toBeUndefined();
      expect(mayCall({ role }, path)).toBe(false);
      expect(isPublic(path)).toBe(false);
    }
});

test('only the health, and joining, are for everybody', () => {
  expect(isPublic('/enjambre.trust.v1.CertificateService/Join')).toBe(true);
  expect(isPublic('/enjambre.trust.v1.CertificateService/Renew')).toBe(false);
  expect(isPublic('/grpc.health.v1.Health/Check')).toBe(true);
  expect(isPublic(CONNECT)).toBe(false);
  expect(isPublic('/grpc.reflection.v1.ServerReflection/ServerReflectionInfo')).toBe(false);
});

test('agents exchange files and messages, all members look, operators command', () => {
  const who = (path: string): string[] => ROLES.filter((role) => mayCall({ role }, path));
  expect(who(CONNECT)).toEqual(['agent']);
  expect(who('/enjambre.peer.v1.PeerService/Fetch')).toEqual(['agent']);
  expect(who('/enjambre.messaging.v1.MessagingService/Send')).toEqual(['agent']);
  expect(who('/enjambre.agent.v1.AgentService/Share')).toEqual(['operator']);
  expect(who(WATCH)).toEqual(ROLES);
  expect(ROLES.filter((role) => mayReadTexts({ role }))).toEqual(['tracker', 'messaging', 'operator']);
  expect(who('/enjambre.tracker.v1.TrackerService/ListFiles')).toEqual(ROLES);
});

test('the roles of a method can be named', () => {
  expect(rolesAt(CONNECT)).toEqual(['agent']);
  expect(rolesAt('/grpc.health.v1.Health/Check')).toEqual([]);
});

test('a method needs a right, in any namespace', () => {
  const limited = (...may: string[]) => ({
    ...({ network: 'net', role: 'agent', peerId: undefined, names: [] as string[] } as const),
    may: may.map(parsePermission),
  });
  const send = '/enjambre.messaging.v1.MessagingService/Send';
  expect(rightMissingAt(send, limited('get'))).toBe('send');
  expect(rightMissingAt(send, limited('get', 'send:ops'))).toBeUndefined();
  expect(rightMissingAt(send, { ...limited(), may: undefined })).toBeUndefined();
  expect(rightMissingAt(send, limited())).toBe('send');
  expect(rightMissingAt('/enjambre.peer.v1.PeerService/Sync', limited('share'))).toBe('get');
  expect(rightMissingAt('/enjambre.agent.v1.AgentService/Share', limited('get'))).toBe('operate');
  expect(rightMissingAt(CONNECT, limited())).toBeUndefined();
});
