import { crossesZones, type Distance } from '@enjambre/core/locality';
import { Distance as WireDistance, type DistanceTraffic } from '@enjambre/proto/gen/enjambre/agent/v1/agent';
import { formatBytes } from './text.js';

const WORDS: ReadonlyMap<WireDistance, Distance> = new Map([
  [WireDistance.NODE, 'node'],
  [WireDistance.RACK, 'rack'],
  [WireDistance.ZONE, 'zone'],
  [WireDistance.REGION, 'region'],
  [WireDistance.FAR, 'far'],
]);

const SENTENCES: Readonly<Record<Distance, string>> = {
  node: 'same node',
  rack: 'same rack',
  zone: 'same zone',
  region: 'other zone',
  far: 'other zone',
  unknown: '-',
};

/** A distance as a word; `unknown` also for one that only a newer agent has. */
function distanceWord(distance: WireDistance): Distance {
  return WORDS.get(distance) ?? 'unknown';
}

/** The same for people, who mainly need to see whether traffic crosses zones. */
export function distanceText(distance: WireDistance): string {
  return SENTENCES[distanceWord(distance)];
}

/** The word in `--json`; undefined for an unknown distance. */
export function distanceJson(distance: WireDistance): Distance | undefined {
  return WORDS.get(distance);
}

/** `{"zone": {"downloaded_bytes": 1, "uploaded_bytes": 2}}`; distances without traffic are left out. */
export function trafficJson(
  traffic: readonly DistanceTraffic[],
): Readonly<Record<string, Readonly<Record<'downloaded_bytes' | 'uploaded_bytes', bigint>>>> {
  return Object.fromEntries(
    traffic.map(({ distance, downloadedBytes, uploadedBytes }) => [
      distanceWord(distance),
      { downloaded_bytes: downloadedBytes, uploaded_bytes: uploadedBytes },
    ]),
  );
}

/** Traffic across zones, as part of the traffic with a known distance; empty if there is none. */
export function crossedText(traffic: readonly DistanceTraffic[]): string {
  const known = traffic.filter(({ distance }) => distanceWord(distance) !== 'unknown');
  if (known.length === 0) return '';
  const crossed = known.filter(({ distance }) => crossesZones(distanceWord(distance)));
  const sum = (of: 'downloadedBytes' | 'uploadedBytes', parts: readonly DistanceTraffic[]): string =>
    formatBytes(parts.reduce((bytes, part) => bytes + part[of], 0n));
  return (
    `${sum('downloadedBytes', crossed)} of ${sum('downloadedBytes', known)} received, ` +
    `${sum('uploadedBytes', crossed)} of ${sum('uploadedBytes', known)} sent`
  );
}
