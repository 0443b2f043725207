import { setTimeout as wait } from 'node:timers/promises';
import { VirtualClock } from '@enjambre/harness/virtual-clock';
import { SYSTEM_CLOCK } from '../src/async/clock.js';
import { describeClock } from './clock.contract.js';

describeClock('the clock of the machine', SYSTEM_CLOCK, (ms) => wait(ms));

const clock = new VirtualClock();
describeClock('a clock of a test', clock, (ms) => clock.advance(ms));
