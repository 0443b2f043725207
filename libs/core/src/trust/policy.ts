import type { CertifiedIdentity, Role } from './certified-identity.js';
import { hasRightSomewhere, type Right } from './rights.js';

/** Who may call a method: everybody who reaches it, any member of the network, or certain roles. */
type Allowed = 'everybody' | 'members' | readonly Role[];

/** The rule for a method. */
interface Rule {
  readonly allowed: Allowed;
  /** The right that its caller needs in some namespace; handlers check it for the files that a call is about. */
  readonly right?: Right;
}

const AGENTS: Rule = { allowed: ['agent'] };
/** Agents look up files and peers, and so do people: they see what they may get. */
const READERS: Rule = { allowed: 'members' };
const EVENTS: Rule = { allowed: 'members', right: 'events' };
const SENDERS: Rule = { allowed: ['agent'], right: 'send' };
const DOWNLOADERS: Rule = { allowed: ['agent'], right: 'get' };
const OPERATORS: Rule = { allowed: ['operator'], right: 'operate' };
const EVERYBODY: Rule = { allowed: 'everybody' };
/** Tracker and messaging service show each other's events whole. */
const TEXT_READERS: ReadonlySet<Role> = new Set(['operator', 'tracker', 'messaging']);

const TRACKER = {
  Connect: AGENTS,
  ListFiles: READERS,
  GetFile: READERS,
  GetSwarm: READERS,
  ListPeers: READERS,
  GetStats: READERS,
  WatchEvents: EVENTS,
  WatchTrustNews: READERS,
};

const MESSAGING = {
  Send: SENDERS,
  Receive: AGENTS,
  ListMessages: AGENTS,
  JoinRoom: SENDERS,
  LeaveRoom: AGENTS,
  ListRooms: AGENTS,
  WatchEvents: EVENTS,
};

const PEER = { GetMetainfo: DOWNLOADERS, Sync: DOWNLOADERS, Fetch: DOWNLOADERS };

/** Services whose methods are all for the same callers. */
const WHOLE_SERVICES: Readonly<Record<string, Rule>> = {
  'grpc.health.v1.Health': EVERYBODY,
  'grpc.reflection.v1.ServerReflection': READERS,
  'grpc.reflection.v1alpha.ServerReflection': READERS,
  'enjambre.agent.v1.AgentService': OPERATORS,
  'enjambre.agent.v1.AgentMessagingService': OPERATORS,
};

/** Who has no certificate yet asks for one with a token. */
const CERTIFICATES = { GetAuthorities: EVERYBODY, Join: EVERYBODY, Renew: READERS };

const METHODS: ReadonlyMap<string, Rule> = new Map([
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
export function ruleAt(path: string): Rule | undefined {
  const service = path.split('/')[1] ?? '';
  return METHODS.get(path) ?? (Object.hasOwn(WHOLE_SERVICES, service) ? WHOLE_SERVICES[service] : undefined);
}

/** True if a method needs no certificate. */
export function isPublic(path: string): boolean {
  return ruleAt(path)?.allowed === 'everybody';
}

/** True if the role of a certificate allows a call. */
export function mayCall({ role }: Pick<CertifiedIdentity, 'role'>, path: string): boolean {
  const allowed = ruleAt(path)?.allowed;
  if (allowed === undefined) return false;
  return typeof allowed === 'string' || allowed.includes(role);
}

/** The right that the holder of a certificate lacks for any call of a method; undefined if none. */
export function rightMissingAt(path: string, identity: CertifiedIdentity): Right | undefined {
  const right = ruleAt(path)?.right;
  return right && !hasRightSomewhere(identity, right) ? right : undefined;
}

/** True if the holder of a certificate may read the texts of all messages in events. */
export function mayReadTexts({ role }: Pick<CertifiedIdentity, 'role'>): boolean {
  return TEXT_READERS.has(role);
}

/** The roles that may call a method, for the message to one that may not. */
export function rolesAt(path: string): readonly Role[] {
  const allowed = ruleAt(path)?.allowed;
  return allowed === undefined || typeof allowed === 'string' ? [] : allowed;
}

function pathsOf(service: string, methods: Readonly<Record<string, Rule>>): [string, Rule][] {
  return Object.entries(methods).map(([method, rule]) => [`/${service}/${method}`, rule]);
}
