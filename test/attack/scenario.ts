import type { Targets } from './attack.js';
import type { Stage, VictimName } from './stage.js';
import type { Attacker } from './attacker.js';
import type { Counts } from './tally.js';

/** A condition that does not depend on the speed of the machine. */
export interface Check {
  readonly what: string;
  readonly holds: boolean;
  /** What was seen. */
  readonly seen: string;
}

/** A bound of the product, and the part of it that one stranger may take. */
interface Share {
  /** What the attacker holds: a key of {@link Counts.held} or {@link Counts.facts}. */
  readonly of: string;
  /** The most that one stranger may hold: 5 % of the bound. */
  readonly most: number;
}

/** How Node ends a connection: it gives no reason. */
export const BY_NODE = ['GOAWAY INTERNAL_ERROR'];

/** One attack beside an honest action. */
export interface Scenario {
  readonly name: string;
  /** What the attacker does, in a few words. */
  readonly about: string;
  readonly victim: VictimName;
  /** What is measured alone and under attack. @default a download */
  readonly honest?: 'download' | 'messages';
  /** Name of the attack. @default the scenario's name */
  readonly attack?: string;
  /** Strength of the attack. */
  readonly count: number;
  /** Its strength in `make test`, if a quarter does not reach the limits. */
  readonly shortCount?: number;
  readonly share?: Share;
  /** False if the attacker can be harmless without being refused. @default true */
  readonly isRefused?: boolean;
  /**
   * Ends without a reason that count as refusals: Node ends the connection for what it takes for an attack, such as
   * streams beyond the limit, before our code sees it. @default none
   */
  readonly endsByNode?: readonly string[];
  /** Settings of the messaging service that versions before this one know, too. */
  readonly messagingArgs?: readonly string[];
  /** True if the attacker needs a host of its own: see `playApart`. @default false */
  readonly isApart?: boolean;
  /** Settings of the seeder that versions before this one know, too. */
  readonly seederArgs?: readonly string[];
  /** Before the attack; returns other targets for it. */
  prepare?(stage: Stage): Promise<Partial<Targets>>;
  /** While the attack lasts, after the honest action. */
  check?(stage: Stage, attacker: Attacker): Promise<Check[]>;
  /** Typed refusals that the attacker does not see, such as a ban; after the honest action. */
  refusals?(stage: Stage, counts: Counts): Promise<Readonly<Record<string, number>>>;
}
