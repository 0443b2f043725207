import { join } from 'node:path';
import { formatAddress } from '@enjambre/common/config/address';
import { VERSION } from '@enjambre/common/version';
import type { AgentConfig } from '@enjambre/peer-agent/config';
import type { GetStatsResponse } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import type { Session } from '../context.js';
import { selectedBytesOf } from '../render/selected.js';
import { plain } from '../render/text.js';
import type { Finding } from './finding.js';
import { gatherCertificate } from './gather-certificate.js';
import { gatherFolder, type Folder } from './gather-disk.js';
import type { FoundAgent, LiveAgent } from './gather-agent.js';
import { gatherLimits } from './gather-limits.js';
import { judgeCertificate } from './judge-certificate.js';
import { judgeClocks, type ClockOffset } from './judge-clock.js';
import { judgeFolder } from './judge-disk.js';
import { judgeLimits } from './judge-limits.js';
import {
  isLoopback,
  judgeAgent,
  judgeEndpoint,
  judgeMessaging,
  judgePeers,
  judgeTrackers,
} from './judge-reach.js';
import { judgeVersions } from './judge-versions.js';
import { about } from './finding.js';
import { askPeer, askTracker, probeHealth, shortly, timed, type Timed } from './probe.js';

/** Answer of a peer without a known address. */
const NOWHERE = { silence: 'no address is known' };
const MESSAGING = 'enjambre.messaging.v1.MessagingService';

/** The result of a call to a tracker from here. */
type AskedTracker = { readonly address: string } & (
  { readonly stats: Timed<GetStatsResponse> } | { readonly silence: string }
);

/** The subject of the checks: an agent, which may not run, and its settings from flags and environment. */
export interface Patient {
  readonly session: Session;
  readonly config: Partial<AgentConfig>;
  readonly agent: FoundAgent;
}

/** All checks except those of the settings. Independent checks run in parallel. */
export async function examine(patient: Patient): Promise<Finding[]> {
  const { session, agent } = patient;
  const { now } = session.context;
  const wall = now();
  const monotonic = performance.now();
  const live = 'info' in agent ? agent : undefined;
  const trackers = await Promise.all(trackersOf(patient).map((address) => askedTracker(session, address)));
  const [messaging, certificate, endpoint, peers, disk, limits] = await Promise.all([
    lookAtMessaging(patient),
    lookAtCertificate(patient),
    live ? lookAtEndpoint(session, live, trackers) : [],
    live ? lookAtPeers(session, live) : [],
    lookAtDisk(patient),
    lookAtLimits(patient),
  ]);
  const jumpMs = now() - wall - (performance.now() - monotonic);
  return [
    ...lookAtAgent(agent),
    ...lookAtTrackers(trackers, live),
    ...messaging,
    ...certificate,
    ...endpoint,
    ...peers,
    ...lookAtClocks(trackers, live, jumpMs),
    ...disk,
    ...limits,
    ...lookAtVersions(trackers, live),
  ];
}

/** The agent reports one of its trackers, the settings here list all of them: all are called. */
function trackersOf({ agent, config }: Patient): string[] {
  const said = (config.tracker ?? []).map((address) => formatAddress(address));
  if (!('info' in agent)) return said;
  const { tracker } = agent.info.answer;
  return said.includes(tracker) ? said : [tracker];
}

async function askedTracker(session: Session, address: string): Promise<AskedTracker> {
  try {
    return { address, stats: await timed(session.context.now, () => askTracker(session, address)) };
  } catch (error) {
    return { address, silence: shortly(error) };
  }
}

function lookAtAgent(agent: FoundAgent): Finding[] {
  if (!('info' in agent)) return judgeAgent(agent);
  const { address, info } = agent;
  return judgeAgent({ address, name: plain(info.answer.name), answeredMs: info.tookMs });
}

function lookAtTrackers(trackers: readonly AskedTracker[], live: LiveAgent | undefined): Finding[] {
  const session = live && {
    address: live.info.answer.tracker,
    problem: plain(live.info.answer.trackerError),
  };
  return judgeTrackers({
    trackers: trackers.map((tracker) =>
      'stats' in tracker ? { address: tracker.address, answeredMs: tracker.stats.tookMs } : tracker,
    ),
    session,
  });
}

async function lookAtMessaging({ session, agent, config }: Patient): Promise<Finding[]> {
  const said = config.messaging && formatAddress(config.messaging);
  const address = 'info' in agent ? agent.info.answer.messaging || undefined : said;
  if (address === undefined) return judgeMessaging({});
  const health = await probeHealth(session, address, MESSAGING);
  const problem = 'info' in agent ? plain(agent.info.answer.messagingError) : undefined;
  return judgeMessaging({ address, health, problem });
}

async function lookAtCertificate({ session, agent, config }: Patient): Promise<Finding[]> {
  const live = 'info' in agent ? agent : undefined;
  const dataDir = live?.info.answer.dataDir ?? config.dataDir;
  if (dataDir === undefined || live?.isHere === false) return [];
  return judgeCertificate(await gatherCertificate(config, dataDir), session.context.now());
}

async function lookAtEndpoint(
  session: Session,
  { info }: LiveAgent,
  trackers: readonly AskedTracker[],
): Promise<Finding[]> {
  const { endpoint, endpoints, unreachable, id: peerId } = info.answer;
  const refused = info.answer.refusedEndpoints.map(plain);
  const allOnLoopback = trackers.every(({ address }) => isLoopback(address));
  const told = [...new Set([endpoint, ...endpoints])].filter((text) => text !== '');
  const [first, ...others] = await Promise.all(
    told.map(async (at) => ({ endpoint: plain(at), answerer: await askPeer(session, at, peerId) })),
  );
  return judgeEndpoint({ endpoint: '', ...first, others, unreachable, refused, allOnLoopback });
}

async function lookAtPeers(session: Session, { neighbours }: LiveAgent): Promise<Finding[]> {
  const peers = neighbours.map(async ({ name, endpoints, peerId }) => {
    const answers = await Promise.all(endpoints.map((endpoint) => askPeer(session, endpoint, peerId)));
    const answerer = answers.find((answer) => answer === 'itself') ?? answers[0] ?? NOWHERE;
    return { name, endpoint: endpoints.map(plain).join(', '), answerer };
  });
  return judgePeers(await Promise.all(peers));
}

function lookAtClocks(
  trackers: readonly AskedTracker[],
  live: LiveAgent | undefined,
  jumpMs: number,
): Finding[] {
  const clocks = trackers.flatMap((tracker) =>
    'stats' in tracker ? [{ address: tracker.address, clock: offsetOf(tracker.stats) }] : [],
  );
  return judgeClocks({ agent: live && offsetOf(live.info), trackers: clocks, jumpMs });
}

function offsetOf({ answer, middleMs, tookMs }: Timed<{ time?: Date | undefined }>): ClockOffset | undefined {
  return answer.time && { offsetMs: answer.time.getTime() - middleMs, errorMs: tookMs / 2 };
}

async function lookAtDisk({ agent, config }: Patient): Promise<Finding[]> {
  const live = 'info' in agent ? agent : undefined;
  if (live && !live.isHere) {
    const where =
      'the folders of an agent on another machine cannot be checked from here: run `enjambre doctor` there';
    return [about('disk').ok(where)];
  }
  const dataDir = live?.info.answer.dataDir ?? config.dataDir;
  if (dataDir === undefined) return [];
  const downloadDir = live?.info.answer.downloadDir ?? config.downloadDir ?? join(dataDir, 'downloads');
  const folders: Folder[] = [
    { what: 'data folder', path: dataDir, neededBytes: 0 },
    { what: 'download folder', path: downloadDir, neededBytes: live ? stillNeeded(live, downloadDir) : 0 },
  ];
  const facts = await Promise.all(folders.map((folder) => gatherFolder(folder)));
  return facts.flatMap((folder) => judgeFolder(folder));
}

/** Bytes that downloads into `folder` have not received yet; other downloads are not counted. */
function stillNeeded({ transfers }: LiveAgent, folder: string): number {
  return transfers
    .filter(({ origin, completedAt, path }) => !origin && !completedAt && path.startsWith(`${folder}/`))
    .reduce((sum, transfer) => sum + Number(selectedBytesOf(transfer) - transfer.doneBytes), 0);
}

async function lookAtLimits({ session, agent, config }: Patient): Promise<Finding[]> {
  const live = 'info' in agent ? agent : undefined;
  const found = await gatherLimits({
    pid: live?.isHere && live.info.answer.processId > 0 ? live.info.answer.processId : undefined,
    environment: session.context.environment,
    hasSharedDir: config.sharedDir !== undefined,
  });
  return judgeLimits({
    ...found,
    maxUpload: live ? Number(live.info.answer.maxUpload) : config.maxUpload,
    maxDownload: live ? Number(live.info.answer.maxDownload) : config.maxDownload,
  });
}

function lookAtVersions(trackers: readonly AskedTracker[], live: LiveAgent | undefined): Finding[] {
  const others = trackers.flatMap((tracker) =>
    'stats' in tracker
      ? [{ who: `tracker ${tracker.address}`, version: plain(tracker.stats.answer.version) }]
      : [],
  );
  if (live) {
    const { version, messagingVersion } = live.info.answer;
    others.unshift({ who: 'the agent', version: plain(version) });
    others.push({ who: 'the messaging service', version: plain(messagingVersion) });
    for (const peer of live.neighbours) others.push({ who: `peer ${peer.name}`, version: peer.version });
  }
  return judgeVersions({ cli: VERSION, node: process.version, others });
}
