/** A dependency that a service needs or benefits from. */
export interface HealthCheck {
  /** Its name as a service of grpc.health.v1: "enjambre.tracker.nats". */
  readonly name: string;
  /** If true, the service is not ready without it; otherwise it is degraded. */
  readonly essential: boolean;
  /** The problem in a sentence; undefined if there is none. */
  readonly problem: () => string | undefined;
}

/** The health of a service at one moment. */
export interface HealthReport {
  /** The service can do its work. */
  readonly ready: boolean;
  /** The problems, a sentence each. Not empty if not ready; may also be non-empty if degraded. */
  readonly reasons: readonly string[];
  /** Each check by its name: true if it passes. */
  readonly checks: Readonly<Record<string, boolean>>;
}

/** Health of one service: whether it can do its work, and why not. */
export class Health {
  #phase: 'starting' | 'running' | 'draining' = 'starting';

  /** @param checks its dependencies */
  constructor(
    readonly service: string,
    private readonly checks: readonly HealthCheck[],
  ) {}

  enter(phase: 'running' | 'draining'): void {
    this.#phase = phase;
  }

  get isDraining(): boolean {
    return this.#phase === 'draining';
  }

  report(): HealthReport {
    const wrong = new Map(this.checks.map((check) => [check, check.problem()]));
    const reasons = [...wrong].flatMap(([{ name }, why]) => (why === undefined ? [] : [`${name}: ${why}`]));
    const missing = [...wrong].some(([{ essential }, why]) => essential && why !== undefined);
    const running = this.#phase === 'running';
    return {
      ready: running && !missing,
      reasons: running ? reasons : [`${this.service}: it is ${this.#phase}`, ...reasons],
      checks: Object.fromEntries([...wrong].map(([{ name }, why]) => [name, why === undefined])),
    };
  }
}
