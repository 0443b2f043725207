/** Something that a service needs, or would like to have. */
export interface HealthCheck {
  /** Its name as a service of grpc.health.v1: "enjambre.tracker.nats". */
  readonly name: string;
  /** Without it the service cannot do its work: it is not ready then. Else it is degraded. */
  readonly essential: boolean;
  /** What is wrong, in a sentence; undefined if all is well. */
  readonly problem: () => string | undefined;
}

/** How a service is, at one moment. */
export interface HealthReport {
  /** It can do its work. */
  readonly ready: boolean;
  /** What is wrong, a sentence each. Not empty if it is not ready; also if it only lacks something. */
  readonly reasons: readonly string[];
  /** Each check by its name: true if all is well. */
  readonly checks: Readonly<Record<string, boolean>>;
}

/** Whether a service can do its work, and why not. It lives for as long as it answers that. */
export class Health {
  #phase: 'starting' | 'running' | 'draining' = 'starting';

  /** @param checks what it depends on */
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
