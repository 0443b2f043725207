import { ServiceProcess } from '@enjambre/harness/service-process';
import { finish, type ProcessSwarm } from '@enjambre/harness/swarm';

/** A tracker process that can be queried. */
export class TrackerProcess extends ServiceProcess {
  constructor(swarm: ProcessSwarm, name: string, natsUrl: string) {
    super(swarm, { kind: 'tracker', args: ['--name', name, '--nats', natsUrl] });
  }

  /** The lines of `enjambre files` or `enjambre peers` for it. */
  async list(what: 'files' | 'peers'): Promise<readonly Record<string, unknown>[]> {
    const { json, code, stderr } = await finish(this.swarm.run([what, '--tracker', this.address, '--json']));
    if (code !== 0) throw new Error(`enjambre ${what} exited with ${code}: ${stderr}`);
    return json;
  }
}
