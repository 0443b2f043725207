import { ServiceProcess } from '@enjambre/harness/service-process';
import { finish, type ProcessSwarm } from '@enjambre/harness/swarm';

/** A tracker that says what it knows. */
export class TrackerProcess extends ServiceProcess {
  constructor(swarm: ProcessSwarm, name: string, natsUrl: string) {
    super(swarm, { kind: 'tracker', args: ['--name', name, '--nats', natsUrl] });
  }

  /** What `enjambre files` or `enjambre peers` says of it, a line each. */
  async list(what: 'files' | 'peers'): Promise<readonly Record<string, unknown>[]> {
    const { json, code, stderr } = await finish(this.swarm.run([what, '--tracker', this.address, '--json']));
    if (code !== 0) throw new Error(`enjambre ${what} ended with ${code}: ${stderr}`);
    return json;
  }
}
