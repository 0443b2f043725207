import { formatDuration } from '@enjambre/core/format-duration';
import { isUnspecifiedHost, parseTcpAddress } from '@enjambre/common/config/address';
import { count } from '../render/text.js';
import { about, listed, type Finding } from './finding.js';

/** The result of a call to an agent. */
export type AgentFacts =
  | { readonly address: string; readonly silence: string }
  | { readonly address: string; readonly name: string; readonly answeredMs: number };

/** The result of a call to one tracker from here. */
interface TrackerFacts {
  readonly address: string;
  /** Why it did not answer; absent if it did. */
  readonly silence?: string | undefined;
  readonly answeredMs?: number | undefined;
}

export interface TrackersFacts {
  readonly trackers: readonly TrackerFacts[];
  /** The agent's session with its tracker; absent if no agent answers. */
  readonly session?: { readonly address: string; readonly problem: string } | undefined;
}

export interface MessagingFacts {
  /** Absent if none is configured. */
  readonly address?: string | undefined;
  readonly health?: 'serving' | 'not-serving' | { readonly silence: string } | undefined;
  /** Why the agent has no session; empty if it has a session, absent if no agent answers. */
  readonly problem?: string | undefined;
}

/** Which agent answers at an advertised address. */
export type Answerer = 'itself' | 'another' | { readonly silence: string };

export interface EndpointFacts {
  /** The address that the tracker sends to peers; empty before it has one. */
  readonly endpoint: string;
  readonly answerer?: Answerer | undefined;
  /** Further advertised addresses, and which agent answers there. @default none */
  readonly others?: readonly { readonly endpoint: string; readonly answerer: Answerer }[];
  /** True if the tracker reports that no other machine can reach any of them. @default unknown */
  readonly unreachable?: boolean;
  /** Advertised addresses that the tracker does not send to peers. @default none */
  readonly refused?: readonly string[];
  /** True if all trackers have loopback addresses. */
  readonly allOnLoopback: boolean;
}

export interface PeerFacts {
  readonly name: string;
  readonly endpoint: string;
  readonly answerer: Answerer;
}

export function judgeAgent(agent: AgentFacts): Finding[] {
  const { ok, fail } = about('agent');
  if ('silence' in agent) return [fail(agent.silence)];
  return [ok(`${agent.name} answers at ${agent.address} in ${inMs(agent.answeredMs)}`)];
}

export function judgeTrackers({ trackers, session }: TrackersFacts): Finding[] {
  const { ok, warn, fail } = about('tracker');
  const answers = trackers.some(({ silence }) => silence === undefined);
  const findings = trackers.map(({ address, silence, answeredMs = 0 }) => {
    if (silence === undefined) return ok(`${address} answers in ${inMs(answeredMs)}`);
    const what = `${address} does not answer (${silence}): start it, open its port, or fix --tracker`;
    // One of several trackers is enough.
    return answers ? warn(what) : fail(what);
  });
  if (session && session.problem !== '') {
    const from = answers ? 'but it is reachable from here; see the log of the agent' : 'see above';
    findings.push(
      fail(`the agent has no session with tracker ${session.address} (${session.problem}): ${from}`),
    );
  }
  return findings;
}

export function judgeMessaging({ address, health, problem }: MessagingFacts): Finding[] {
  const { ok, warn, fail } = about('messaging');
  if (address === undefined)
    return [ok('none is configured: transfers work, messages are not sent or received')];
  if (health === 'not-serving')
    return [fail(`${address} runs but cannot store messages: check its NATS, and see its log`)];
  if (typeof health === 'object')
    return [
      fail(
        `${address} does not answer (${health.silence}): start it, open its port, or fix --messaging; transfers still work`,
      ),
    ];
  if (problem)
    return [warn(`${address} answers, but the agent has no session (${problem}): see the log of the agent`)];
  return [ok(`${address} answers and is serving`)];
}

export function judgeEndpoint(facts: EndpointFacts): Finding[] {
  const { endpoint, answerer, others = [], unreachable = false, refused = [], allOnLoopback } = facts;
  const { ok, warn, fail } = about('endpoint');
  if (endpoint === '' && refused.length > 0) return [fail(noneAccepted(refused))];
  if (endpoint === '' || answerer === undefined)
    return [
      warn('no tracker has reported yet at which address peers reach this agent: fix the tracker first'),
    ];
  const told = [{ endpoint, answerer }, ...others];
  const good = told.filter((one) => one.answerer === 'itself').map((one) => one.endpoint);
  const bad = told.filter((one) => one.answerer !== 'itself');
  if (good.length > 0 && bad.length > 0)
    return [
      warn(
        `this agent answers at ${good.join(', ')}, but not at ${listed(bad.map(whyNot))}, which is advertised too: if peers do not reach it, set --advertise HOST:PORT`,
      ),
    ];
  if (answerer === 'another')
    return [fail(`another agent answers at ${endpoint}, the advertised address: fix --advertise`)];
  if (answerer !== 'itself')
    return [
      fail(
        `this agent does not answer at ${endpoint}, its advertised address (${answerer.silence}): fix --advertise, or open the port`,
      ),
    ];
  if (unreachable || (isLoopback(endpoint) && !allOnLoopback))
    return [
      warn(
        `this agent is reachable only at ${endpoint}, so no other machine can download from it: listen on another address with --listen, or set --advertise HOST:PORT`,
      ),
    ];
  return [
    ok(
      `this agent answers at ${good.join(', ')}, its advertised address (dialed from here)${leftOut(refused)}`,
    ),
  ];
}

function leftOut(refused: readonly string[]): string {
  return refused.length > 0 ? `; the tracker does not send peers elsewhere ${listed(refused)}` : '';
}

function noneAccepted(refused: readonly string[]): string {
  const why = 'because it sees this agent at another address';
  return `the tracker sends no peer elsewhere ${listed(refused)}, ${why}: remove --advertise, or start the tracker with --allow-endpoints`;
}

/** "10.0.0.7:7072 (nothing listens there)" */
function whyNot({ endpoint, answerer }: { endpoint: string; answerer: Answerer }): string {
  const why = typeof answerer === 'object' ? answerer.silence : 'another agent answers there';
  return `${endpoint} (${why})`;
}

export function judgePeers(peers: readonly PeerFacts[]): Finding[] {
  const { ok, warn, fail } = about('peers');
  if (peers.length === 0) return [ok('the swarms of this agent have no other peers')];
  const silent = peers.flatMap(({ name, endpoint, answerer }) =>
    answerer === 'itself'
      ? []
      : [
          `${name} at ${endpoint} (${answerer === 'another' ? 'another agent answers there' : answerer.silence})`,
        ],
  );
  if (silent.length === 0)
    return [ok(`${count(peers.length, 'peer')} of this agent's swarms reached, none missing`)];
  const what = `${String(silent.length)} of ${String(peers.length)} peers of this agent's swarms were not reached: ${listed(silent)}`;
  const remedy = 'open their ports, or fix their --advertise';
  return [(silent.length === peers.length ? fail : warn)(`${what}: ${remedy}`)];
}

/** True for an address that is reachable only on its own machine. */
export function isLoopback(address: string): boolean {
  try {
    const { host } = parseTcpAddress(address);
    return host === 'localhost' || host === '::1' || host.startsWith('127.') || isUnspecifiedHost(host);
  } catch {
    return false;
  }
}

function inMs(ms: number): string {
  return formatDuration(Math.max(1, ms));
}
