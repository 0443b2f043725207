import { runBench, type Cleanup } from './cleanup.js';
import { progress, report } from './report.js';
import { numberSetting, roundsSetting } from './settings.js';
import { spread } from './statistics.js';
import { TrackerUnderLoad, type AgentCost, type AnnounceRate, type LookupRate } from './tracker.js';

const ROUNDS = roundsSetting();
const SECONDS = numberSetting('BENCH_SECONDS', { default: 5, most: 3600 });
const AGENTS = numberSetting('BENCH_AGENTS', { default: 10_000, most: 1_000_000 });
/** 1 is the behaviour of real agents; more measures streams without the cost of connections. */
const AGENTS_PER_CONNECTION = numberSetting('BENCH_AGENTS_PER_CONNECTION', { default: 1, most: 1000 });
/** Agents that announce concurrently, and the number of their swarms. */
const ANNOUNCERS = numberSetting('BENCH_ANNOUNCERS', { default: 1000, most: 100_000 });
const SWARMS = 100;
/** Members of a swarm when memory is measured. */
const MEMBERS = 100;
const MANY = 32;

interface Round {
  readonly announce: AnnounceRate;
  /** Lookups with one in flight for each load process, and with many. */
  readonly single: LookupRate;
  readonly many: LookupRate;
  readonly cost: AgentCost;
}

async function measure(after: Cleanup): Promise<Round> {
  const busy = after.part();
  const tracker = await TrackerUnderLoad.start(busy);
  await tracker.connect(ANNOUNCERS, { swarms: SWARMS, watch: false, agentsPerConnection: 1 });
  const announce = await tracker.announce(SECONDS);
  const single = await tracker.lookUp(SECONDS, 1, SWARMS);
  const many = await tracker.lookUp(SECONDS, MANY, SWARMS);
  await busy.run();
  const crowd = after.part();
  const other = await TrackerUnderLoad.start(crowd);
  const cost = await other.connect(AGENTS, {
    ...{ swarms: Math.ceil(AGENTS / MEMBERS), watch: true, agentsPerConnection: AGENTS_PER_CONNECTION },
  });
  await crowd.run();
  return { announce, single, many, cost };
}

await runBench(async (after) => {
  const rounds: Round[] = [];
  for (let round = 1; round <= ROUNDS; round++) {
    rounds.push(await measure(after));
    progress(`round ${round}: ${rounds.at(-1)?.announce.perSecond.toFixed(0) ?? ''} announces per second`);
  }
  const column = (pick: (round: Round) => number, digits: number): string => spread(rounds.map(pick), digits);
  await report({
    benchmark: 'tracker',
    about: `one tracker on one core, ${ROUNDS} rounds; median (least to most)`,
    tables: [
      {
        head: ['what', 'value'],
        rows: [
          [`announces per second, ${ANNOUNCERS} agents`, column(({ announce }) => announce.perSecond, 0)],
          ['announces for a second of its CPU', column(({ announce }) => announce.perCpuSecond, 0)],
          ['share of its core at that time', column(({ announce }) => announce.cpuShare, 2)],
          ['lookups per second (GetSwarm), one in flight', column(({ single }) => single.perSecond, 0)],
          ['  p50 ms', column(({ single }) => single.p50Ms, 2)],
          ['  p99 ms', column(({ single }) => single.p99Ms, 2)],
          [`lookups per second, ${MANY} in flight`, column(({ many }) => many.perSecond, 0)],
          ['  p50 ms', column(({ many }) => many.p50Ms, 2)],
          ['  p99 ms', column(({ many }) => many.p99Ms, 2)],
          [`resident MiB with ${AGENTS} agents`, column(({ cost }) => cost.residentMiB, 0)],
          ['  KiB for each agent', column(({ cost }) => cost.kibPerAgent, 1)],
          ['  cores used while agents are idle', column(({ cost }) => cost.idleCpu, 2)],
          ['  seconds to connect them all', column(({ cost }) => cost.connectSeconds, 1)],
        ],
      },
    ],
    notes: [
      'An announce reports the progress of an agent; peers are pushed to the watchers of a swarm, not returned with each announce.',
      'Under 0.95 of its core, the load was the bottleneck, not the tracker: then read the line for a second of its CPU.',
      `Each of the ${AGENTS} agents is a stream (${AGENTS_PER_CONNECTION} a connection), a member of a swarm of ${MEMBERS}, and watches it.`,
      'Published figure, not measured here: bittorrent-tracker (Node.js) 25,000 to 30,000 announces per second on a core.',
    ],
    data: { rounds: ROUNDS, agents: AGENTS, agentsPerConnection: AGENTS_PER_CONNECTION, samples: rounds },
  });
});
