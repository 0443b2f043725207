import { runBench, type Cleanup } from './cleanup.js';
import { progress, report } from './report.js';
import { numberSetting, roundsSetting } from './settings.js';
import { spread } from './statistics.js';
import { TrackerUnderLoad, type AgentCost, type AnnounceRate, type LookupRate } from './tracker.js';

const ROUNDS = roundsSetting();
const SECONDS = numberSetting('BENCH_SECONDS', { default: 5, most: 3600 });
const AGENTS = numberSetting('BENCH_AGENTS', { default: 10_000, most: 1_000_000 });
/** 1 is what real agents do; more measures streams without what a connection costs. */
const AGENTS_PER_CONNECTION = numberSetting('BENCH_AGENTS_PER_CONNECTION', { default: 1, most: 1000 });
/** Agents that announce at a time, in so many swarms. */
const ANNOUNCERS = numberSetting('BENCH_ANNOUNCERS', { default: 1000, most: 100_000 });
const SWARMS = 100;
/** Members of a swarm when memory is measured. */
const MEMBERS = 100;
const MANY = 32;

interface Round {
  readonly announce: AnnounceRate;
  /** One lookup of each load process under way at a time, and many. */
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
    progress(`round ${round}: ${rounds.at(-1)?.announce.perSecond.toFixed(0) ?? ''} announces a second`);
  }
  const column = (pick: (round: Round) => number, digits: number): string => spread(rounds.map(pick), digits);
  await report({
    benchmark: 'tracker',
    about: `one tracker on one core, ${ROUNDS} rounds; median (least to most)`,
    tables: [
      {
        head: ['what', 'value'],
        rows: [
          [`announces a second, ${ANNOUNCERS} agents`, column(({ announce }) => announce.perSecond, 0)],
          ['announces for a second of its CPU', column(({ announce }) => announce.perCpuSecond, 0)],
          ['share of its core meanwhile', column(({ announce }) => announce.cpuShare, 2)],
          ['lookups a second (GetSwarm), one under way', column(({ single }) => single.perSecond, 0)],
          ['  p50 ms', column(({ single }) => single.p50Ms, 2)],
          ['  p99 ms', column(({ single }) => single.p99Ms, 2)],
          [`lookups a second, ${MANY} under way`, column(({ many }) => many.perSecond, 0)],
          ['  p50 ms', column(({ many }) => many.p50Ms, 2)],
          ['  p99 ms', column(({ many }) => many.p99Ms, 2)],
          [`resident MiB with ${AGENTS} agents`, column(({ cost }) => cost.residentMiB, 0)],
          ['  KiB for each agent', column(({ cost }) => cost.kibPerAgent, 1)],
          ['  cores used while they are silent', column(({ cost }) => cost.idleCpu, 2)],
          ['  seconds to connect them all', column(({ cost }) => cost.connectSeconds, 1)],
        ],
      },
    ],
    notes: [
      'An announce tells how far an agent is; peers are pushed to those who watch a swarm, not handed out with each announce.',
      'Under 0.95 of its core, the load was the limit and not the tracker: then read the line for a second of its CPU.',
      `Each of the ${AGENTS} agents is a stream (${AGENTS_PER_CONNECTION} a connection), a member of a swarm of ${MEMBERS}, and watches it.`,
      'Published of another, not measured here: bittorrent-tracker (Node.js) 25,000 to 30,000 announces a second on a core.',
    ],
    data: { rounds: ROUNDS, agents: AGENTS, agentsPerConnection: AGENTS_PER_CONNECTION, samples: rounds },
  });
});
