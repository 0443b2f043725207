import { expect, test } from '@jest/globals';
import { judge } from './goals.js';
import { whyNoHosts } from '../e2e/support/two-hosts.js';
import { playSomewhere } from './play-apart.js';
import { scenarios } from './scenarios.js';
import { SHORT } from './size.js';

const TIMEOUT_MS = 180_000;

/** Why no attacker can have a host of its own here; empty if it can. */
const NO_HOSTS = whyNoHosts();

for (const scenario of scenarios) {
  (scenario.isApart && NO_HOSTS !== '' ? test.skip : test)(
    `an honest user is served beside ${scenario.about}`,
    async () => {
      const goals = judge(scenario, await playSomewhere(scenario, SHORT));
      const missed = goals.filter(({ isMet, isTimed }) => !isMet && !isTimed);
      expect(missed).toEqual([]);
    },
    TIMEOUT_MS,
  );
}
