import { infoHashFromBytes, peerIdFromBytes, type InfoHash } from '@enjambre/core/ids';
import type { FileSummary } from '../src/domain/file-summary.js';
import type { PeerInfo, Reach } from '../src/domain/peer.js';
import type { Report } from '../src/domain/swarm-registry.js';

export const MODEL: FileSummary = { name: 'model.bin', size: 1_000_000, pieceLength: 16_384, fileCount: 1 };

export function samplePeer(number: number, labels: Record<string, string> = {}): PeerInfo {
  const id = peerIdFromBytes(numbered(number));
  const endpoint = `10.0.0.1:${1 + (number % 60_000)}`;
  return { id, name: `peer-${number}`, endpoint, reach: sampleReach(endpoint), labels, version: '0' };
}

export function sampleReach(...elsewhere: string[]): Reach {
  return { elsewhere, ownHost: [], host: '10.0.0.1', ports: [] };
}

export function sampleHash(number: number): InfoHash {
  return infoHashFromBytes(numbered(number));
}

export function sampleReport(infohash: InfoHash, report: Partial<Report> = {}): Report {
  const numbers = { leftBytes: 1000, downloadedBytes: 0, uploadedBytes: 0 };
  return { infohash, news: 'progressed', ...numbers, file: undefined, reason: '', message: '', ...report };
}

function numbered(number: number): Uint8Array {
  const bytes = Buffer.alloc(32);
  bytes.writeUInt32BE(number);
  return bytes;
}
