import { callUnary } from '@enjambre/rpc/client';
import { EnjambreError } from '@enjambre/core/error';
import { hex, type Harness } from '../harness.js';

const whole = { query: '', pageSize: 1000, pageToken: '', exactName: false, publisher: '' };

/** Number of items in a list. */
export function lengthOf(list: string): number {
  return (JSON.parse(list) as unknown[]).length;
}

/** All files listed by a tracker, as JSON. */
export async function filesAt(harness: Harness): Promise<string> {
  const client = harness.client();
  const { files } = await callUnary(client.listFiles.bind(client), whole);
  return JSON.stringify(files, plain);
}

/** All peers listed by a tracker, as JSON. */
export async function peersAt(harness: Harness): Promise<string> {
  const client = harness.client();
  const { peers } = await callUnary(client.listPeers.bind(client), whole);
  return JSON.stringify(peers, plain);
}

/** The members of a swarm: name, "*" for seeders, bytes left, received and sent. */
export async function swarmAt(harness: Harness, infohash: Uint8Array): Promise<string[]> {
  const client = harness.client();
  try {
    const { members } = await callUnary(client.getSwarm.bind(client), {
      infohash: hex(infohash),
      maxPeers: 200,
    });
    return members
      .map(({ peer, seeder, leftBytes, downloadedBytes, uploadedBytes }) => {
        const name = `${peer?.name ?? ''}${seeder ? '*' : ''}`;
        return `${name} ${leftBytes} ${downloadedBytes} ${uploadedBytes}`;
      })
      .sort();
  } catch (error) {
    if (error instanceof EnjambreError && error.code === 'not-found') return [];
    throw error;
  }
}

function plain(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? Number(value) : value;
}
