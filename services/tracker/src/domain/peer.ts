import type { PeerId } from '@enjambre/core/ids';

/** A connected agent, as it introduced itself. */
export interface PeerInfo {
  readonly id: PeerId;
  readonly name: string;
  /** Where it serves other peers: "host:port". */
  readonly endpoint: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly version: string;
}

/** Labels that say where a peer stands, the closest neighbourhood first. */
const PLACE_LABELS = ['node', 'rack', 'zone'] as const;

/** Those of a peer's labels that say where it stands, as "key=value", closest first. */
export function placesOf({ labels }: PeerInfo): readonly string[] {
  return PLACE_LABELS.flatMap((key) => {
    const value = labels[key];
    return value ? [`${key}=${value}`] : [];
  });
}
