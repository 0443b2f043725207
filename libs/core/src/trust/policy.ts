import type { CertifiedIdentity, Role } from './certified-identity.js';

/** Who may call a method: everybody who reaches it, any member of the network, or certain roles. */
type Allowed = 'everybody' | 'members' | readonly Role[];

const AGENTS = ['agent'] as const;
/** Agents look up files, peers and events, and so do people. */
const READERS = 'members';
/** Tracker and messaging service show each other's events whole. */
const TEXT_READERS: ReadonlySet<Role> = new Set(['operator', 'tracker', 'messaging']);
const OPERATORS = ['operator'] as const;

const TRACKER = {
  Connect: AGENTS,
  ListFiles: READERS,
  GetFile: READERS,
  GetSwarm: READERS,
  ListPeers: READERS,
  GetStats: READERS,
  WatchEvents: READERS,
  WatchTrustNews: READERS,
} as const;

const MESSAGING = {
  Send: AGENTS,
  Receive: AGENTS,
  ListMessages: AGENTS,
  JoinRoom: AGENTS,
  LeaveRoom: AGENTS,
  ListRooms: AGENTS,
  WatchEvents: READERS,
} as const;

const PEER = { GetMetainfo: AGENTS, Sync: AGENTS, Fetch: AGENTS } as const;

/** Services whose methods are all for the same callers. */
const WHOLE_SERVICES: Readonly<Record<string, Allowed>> = {
  'grpc.health.v1.Health': 'everybody',
  'grpc.reflection.v1.ServerReflection': 'members',
  'grpc.reflection.v1alpha.ServerReflection': 'members',
  'enjambre.agent.v1.AgentService': OPERATORS,
  'enjambre.agent.v1.AgentMessagingService': OPERATORS,
};

/** Who has no certificate yet asks for one with a token. */
const CERTIFICATES = { GetAuthorities: 'everybody', Join: 'everybody', Renew: 'members' } as const;

const METHODS: ReadonlyMap<string, Allowed> = new Map([
  ...pathsOf('enjambre.tracker.v1.TrackerService', TRACKER),
  ...pathsOf('enjambre.messaging.v1.MessagingService', MESSAGING),
  ...pathsOf('enjambre.peer.v1.PeerService', PEER),
  ...pathsOf('enjambre.trust.v1.CertificateService', CERTIFICATES),
]);

/**
 * Who may call a method; undefined if there is no rule for it, and then nobody may.
 *
 * @param path such as "/enjambre.tracker.v1.TrackerService/Connect"
 */
export function allowedAt(path: string): Allowed | undefined {
  const service = path.split('/')[1] ?? '';
  return METHODS.get(path) ?? (Object.hasOwn(WHOLE_SERVICES, service) ? WHOLE_SERVICES[service] : undefined);
}

/** True if a method needs no certificate. */
export function isPublic(path: string): boolean {
  return allowedAt(path) === 'everybody';
}

/** True if the holder of a certificate may call a method. */
export function mayCall({ role }: Pick<CertifiedIdentity, 'role'>, path: string): boolean {
  const allowed = allowedAt(path);
  if (allowed === undefined) return false;
  return typeof allowed === 'string' || allowed.includes(role);
}

/** True if the holder of a certificate may read the texts of all messages in events. */
export function mayReadTexts({ role }: Pick<CertifiedIdentity, 'role'>): boolean {
  return TEXT_READERS.has(role);
}

/** The roles that may call a method, for the message to one that may not. */
export function rolesAt(path: string): readonly Role[] {
  const allowed = allowedAt(path);
  return allowed === undefined || typeof allowed === 'string' ? [] : allowed;
}

function pathsOf(service: string, methods: Readonly<Record<string, Allowed>>): [string, Allowed][] {
  return Object.entries(methods).map(([method, allowed]) => [`/${service}/${method}`, allowed]);
}
