import type { HonestAgent } from '../honest-agent.js';
import type { Check, Scenario } from '../scenario.js';
import type { Stage } from '../stage.js';

/** 5 % of the peers that a messaging service knows. */
const CONTACTS = 500;
/** 5 % of the messages that wait for one receiver. */
const MAILBOX = 500;
const ARRIVAL_MS = 30_000;
const ABSENT = 'absent';

/** Scenarios against the messaging service. */
export const messageScenarios: readonly Scenario[] = [
  {
    name: 'messaging-keys',
    about: '10,000 fresh keys at the messaging service',
    victim: 'messaging',
    honest: 'messages',
    count: 10_000,
    share: { of: 'contacts', most: CONTACTS },
    check: async (stage) => {
      const what = 'a newcomer gets in';
      try {
        const newcomer = await stage.startAgent('newcomer');
        await newcomer.send(stage.targets.seederId, 'honest newcomer');
        await stage.seeder.receive('honest newcomer', ARRIVAL_MS);
        return [{ what, holds: true, seen: '' }];
      } catch (error) {
        return [{ what, holds: false, seen: (error as Error).message.slice(0, 200) }];
      }
    },
  },
  {
    name: 'mailbox',
    about: '20,000 messages to the mailbox of an absent peer',
    victim: 'messaging',
    honest: 'messages',
    count: 20_000,
    share: { of: 'accepted', most: MAILBOX },
    prepare: prepareAbsent,
    check: (stage) => checkAbsent(stage, 'a message to the same mailbox arrives'),
  },
  {
    name: 'undelivered',
    about: '4,320 messages of 64 KiB while an earlier one is unread',
    victim: 'messaging',
    honest: 'messages',
    count: 4320,
    messagingArgs: ['--message-max-bytes', '64MiB'],
    prepare: async (stage) => {
      const targets = await prepareAbsent(stage);
      await stage.seeder.send(targets.downloaderId, 'honest before');
      return targets;
    },
    check: async (stage) => {
      const absent = await stage.startAgent(ABSENT);
      return [await arrival(absent, 'honest before', 'an accepted message arrives')];
    },
  },
  {
    name: 'broadcast',
    about: 'a byte to everyone, 200 times a second, with 2,000 fresh keys',
    victim: 'messaging',
    honest: 'messages',
    count: 2000,
  },
  {
    name: 'names-twin',
    about: 'a second peer named downloader, in several spellings',
    victim: 'messaging',
    honest: 'messages',
    count: 1,
    isRefused: false,
    check: checkTwins,
  },
  {
    name: 'watch-text',
    about: 'WatchEvents of a stranger on both services',
    victim: 'messaging',
    honest: 'messages',
    count: 1,
    isRefused: false,
    share: { of: 'texts', most: 0 },
  },
];

/** An honest peer that the service knows and that is away; it stands in place of the downloader as a target. */
async function prepareAbsent(stage: Stage): Promise<{ downloaderId: string }> {
  const absent = await stage.startAgent(ABSENT);
  const { peerId } = await absent.info();
  absent.close();
  await absent.agent.process.stop();
  return { downloaderId: peerId };
}

async function checkAbsent(stage: Stage, what: string): Promise<Check[]> {
  const text = 'honest to the absent';
  try {
    await stage.seeder.send(ABSENT, text);
  } catch (error) {
    return [{ what, holds: false, seen: (error as Error).message }];
  }
  return [await arrival(await stage.startAgent(ABSENT), text, what)];
}

async function arrival(agent: HonestAgent, text: string, what: string): Promise<Check> {
  try {
    await agent.receive(text, ARRIVAL_MS);
    return { what, holds: true, seen: '' };
  } catch (error) {
    return { what, holds: false, seen: (error as Error).message };
  }
}

async function checkTwins(stage: Stage): Promise<Check[]> {
  const { stdout } = await stage.swarm.command(stage.seeder.agent, ['inbox']);
  const lines = stdout.split('\n').filter((line) => line.includes('twin '));
  // A person sees the name as it is drawn: without characters that show nothing, and with usual letters.
  const drawn = lines.map((line) => line.normalize('NFKC').replace(/\p{Cf}/gu, ''));
  const same = drawn.filter((line) => /downloader(?! \([0-9a-f]{8}\))/.test(line));
  const shown: Check = {
    what: 'strangers are shown under the name with their id',
    holds: same.length === 0 && lines.length > 0,
    seen: `${same.length} of ${lines.length} without it: ${same[0] ?? ''}`,
  };
  const what = 'a message to the name reaches the first of that name';
  try {
    await stage.seeder.send('downloader', 'honest by name');
    return [shown, await arrival(stage.downloader, 'honest by name', what)];
  } catch (error) {
    return [shown, { what, holds: false, seen: (error as Error).message }];
  }
}
