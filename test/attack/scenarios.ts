import type { Scenario } from './scenario.js';
import { downloaderScenarios } from './scenarios/downloader.js';
import { messageScenarios } from './scenarios/messages.js';
import { seederScenarios } from './scenarios/seeder.js';
import { trackerScenarios } from './scenarios/tracker.js';

/** All scenarios, in the order of the table. */
export const scenarios: readonly Scenario[] = [
  ...trackerScenarios,
  ...seederScenarios,
  ...downloaderScenarios,
  ...messageScenarios,
];
