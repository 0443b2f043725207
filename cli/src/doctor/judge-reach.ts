import { isUnspecifiedHost, parseTcpAddress } from '@enjambre/common/config/address';
import { count } from '../render/text.js';
import { about, listed, type Finding } from './finding.js';

/** An agent, as it was found. */
export type AgentFacts =
  | { readonly address: string; readonly silence: string }
  | { readonly address: string; readonly name: string; readonly answeredMs: number };

/** One tracker, dialed from here. */
interface TrackerFacts {
  readonly address: string;
  /** Why it did not answer; absent if it did. */
  readonly silence?: string | undefined;
  readonly answeredMs?: number | undefined;
}

export interface TrackersFacts {
  readonly trackers: readonly TrackerFacts[];
  /** How the agent stands with its tracker; absent if no agent answers. */
  readonly session?: { readonly address: string; readonly problem: string } | undefined;
}

export interface MessagingFacts {
  /** Absent if none is configured. */
  readonly address?: string | undefined;
  readonly health?: 'serving' | 'not-serving' | { readonly silence: string } | undefined;
  /** Why the agent has no session; empty if it has one, absent if no agent answers. */
  readonly problem?: string | undefined;
}

/** Who answers at the address that others are told. */
export type Answerer = 'itself' | 'another' | { readonly silence: string };

export interface EndpointFacts {
  /** As the tracker gives it to others; empty until one did. */
  readonly endpoint: string;
  readonly answerer?: Answerer | undefined;
  /** Further addresses that others are told, and who answers there. @default none */
  readonly others?: readonly { readonly endpoint: string; readonly answerer: Answerer }[];
  /** True if the tracker says that no other machine reaches any. @default not known */
  readonly unreachable?: boolean;
  /** False if a tracker is on another machine, as far as addresses tell. */
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
    // One of several is enough to work with.
    return answers ? warn(what) : fail(what);
  });
  if (session && session.problem !== '') {
    const from = answers ? 'though it can be reached from here; the log of the agent says more' : 'see above';
    findings.push(
      fail(`the agent has no session with tracker ${session.address} (${session.problem}): ${from}`),
    );
  }
  return findings;
}

export function judgeMessaging({ address, health, problem }: MessagingFacts): Finding[] {
  const { ok, warn, fail } = about('messaging');
  if (address === undefined) return [ok('none is configured: files move, messages are not sent or received')];
  if (health === 'not-serving')
    return [fail(`${address} runs but cannot keep messages: see whether its NATS is up, and its log`)];
  if (typeof health === 'object')
    return [
      fail(
        `${address} does not answer (${health.silence}): start it, open its port, or fix --messaging; files move all the same`,
      ),
    ];
  if (problem)
    return [warn(`${address} answers, but the agent has no session (${problem}): its log says more`)];
  return [ok(`${address} answers and is serving`)];
}

export function judgeEndpoint(facts: EndpointFacts): Finding[] {
  const { endpoint, answerer, others = [], unreachable = false, allOnLoopback } = facts;
  const { ok, warn, fail } = about('endpoint');
  if (endpoint === '' || answerer === undefined)
    return [warn('no tracker has told yet where others reach this agent: fix the tracker first')];
  const told = [{ endpoint, answerer }, ...others];
  const good = told.filter((one) => one.answerer === 'itself').map((one) => one.endpoint);
  const bad = told.filter((one) => one.answerer !== 'itself');
  if (good.length > 0 && bad.length > 0)
    return [
      warn(
        `this agent answers at ${good.join(', ')}, but not at ${listed(bad.map(whyNot))}, where others are sent, too: if they do not reach it, say --advertise HOST:PORT`,
      ),
    ];
  if (answerer === 'another')
    return [fail(`at ${endpoint}, where others are sent, another agent answers: fix --advertise`)];
  if (answerer !== 'itself')
    return [
      fail(
        `nothing of this agent answers at ${endpoint}, where others are sent (${answerer.silence}): fix --advertise, or open the port`,
      ),
    ];
  if (unreachable || (isLoopback(endpoint) && !allOnLoopback))
    return [
      warn(
        `this agent is reached at ${endpoint} only, so no other machine can download from it: listen at another address with --listen, or say --advertise HOST:PORT`,
      ),
    ];
  return [ok(`this agent answers at ${good.join(', ')}, where others are sent (dialed from here)`)];
}

/** "10.0.0.7:7072 (nothing listens there)" */
function whyNot({ endpoint, answerer }: { endpoint: string; answerer: Answerer }): string {
  const why = typeof answerer === 'object' ? answerer.silence : 'another agent answers there';
  return `${endpoint} (${why})`;
}

export function judgePeers(peers: readonly PeerFacts[]): Finding[] {
  const { ok, warn, fail } = about('peers');
  if (peers.length === 0) return [ok('no other peer is in the swarms of this agent')];
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

/** True for an address that only its own machine reaches. */
export function isLoopback(address: string): boolean {
  try {
    const { host } = parseTcpAddress(address);
    return host === 'localhost' || host === '::1' || host.startsWith('127.') || isUnspecifiedHost(host);
  } catch {
    return false;
  }
}

function inMs(ms: number): string {
  return `${String(Math.max(1, Math.round(ms)))} ms`;
}
