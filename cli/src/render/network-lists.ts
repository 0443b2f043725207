import type { File } from '@enjambre/proto/gen/enjambre/tracker/v1/tracker';
import { fileJson, peerJson, type KnownMember } from './json.js';
import type { ListColumn, Listing } from './listing.js';
import { formatAge, formatAgo, formatBytes, plain, shortDigits } from './text.js';

/** The list of shared files. */
export function fileList(now: number): Listing<File> {
  return {
    columns: [
      { title: 'name', text: ({ name, disputed }) => (disputed ? `${plain(name)} (disputed)` : plain(name)) },
      {
        title: 'size',
        align: 'right',
        text: ({ sizeBytes }) => formatBytes(sizeBytes),
        value: ({ sizeBytes }) => sizeBytes,
      },
      {
        title: 'version',
        align: 'right',
        text: versionText,
        value: ({ publications }) => publications[0]?.version,
      },
      {
        title: 'age',
        text: ({ publications }) => formatAge(publications[0]?.publishedAt, now),
        value: ({ publications }) => -(publications[0]?.publishedAt?.getTime() ?? 0),
        overflow: 'keep',
      },
      { title: 'publisher', text: publisherText },
      ...AVAILABILITY,
    ],
    json: fileJson,
    id: ({ infohash }) => plain(infohash),
  };
}

function versionText({ publications: [first], superseded }: File): string {
  if (!first) return '';
  return superseded ? `${String(first.version)} (old)` : String(first.version);
}

function publisherText({ publications: [first, ...others] }: File): string {
  const more = others.length === 0 ? '' : ` and ${String(others.length)} more`;
  return first ? `${plain(first.publisher?.name ?? '')}${more}` : '';
}

const AVAILABILITY: readonly ListColumn<File>[] = [
  {
    title: 'seeders',
    align: 'right',
    text: ({ seederCount }) => String(seederCount),
    value: ({ seederCount }) => seederCount,
  },
  {
    title: 'leechers',
    align: 'right',
    text: ({ leecherCount }) => String(leecherCount),
    value: ({ leecherCount }) => leecherCount,
  },
  { title: 'infohash', text: ({ infohash }) => shortDigits(infohash), overflow: 'keep' },
  {
    title: 'files',
    align: 'right',
    text: ({ fileCount }) => String(fileCount),
    value: ({ fileCount }) => fileCount,
    wide: true,
  },
];

interface Facts {
  readonly now: number;
  /** Whether they are peers of one file. */
  readonly inSwarm: boolean;
}

/** The list of peers. Columns that would be empty for all of them are left out. */
export function peerList(members: readonly KnownMember[], { now, inSwarm }: Facts): Listing<KnownMember> {
  const isBanned = members.some(({ banned }) => banned !== undefined);
  return {
    columns: [
      { title: 'name', text: ({ peer }) => plain(peer?.name ?? '') },
      { title: 'id', text: ({ peer }) => shortDigits(peer?.id ?? ''), overflow: 'keep' },
      { title: 'endpoint', text: ({ peer }) => plain(peer?.endpoint ?? ''), overflow: 'keep' },
      ...(inSwarm ? IN_SWARM : IN_NETWORK),
      {
        title: 'connected',
        text: ({ peer }) => formatAgo(peer?.connectedAt, now),
        value: ({ peer }) => -(peer?.connectedAt?.getTime() ?? 0),
        overflow: 'keep',
      },
      { title: 'version', text: ({ peer }) => plain(peer?.version ?? ''), wide: true },
      ...(isBanned ? [STATUS] : []),
    ],
    json: (member) => peerJson(member, inSwarm),
    id: ({ peer }) => plain(peer?.id ?? ''),
  };
}

const IN_NETWORK: readonly ListColumn<KnownMember>[] = [
  {
    title: 'seeding',
    align: 'right',
    text: ({ peer }) => String(peer?.seedingCount ?? 0),
    value: ({ peer }) => peer?.seedingCount,
  },
  {
    title: 'leeching',
    align: 'right',
    text: ({ peer }) => String(peer?.leechingCount ?? 0),
    value: ({ peer }) => peer?.leechingCount,
  },
  {
    title: 'labels',
    text: ({ peer }) =>
      Object.entries(peer?.labels ?? {})
        .map(([key, value]) => plain(`${key}=${value}`))
        .join(' '),
  },
];

const IN_SWARM: readonly ListColumn<KnownMember>[] = [
  {
    title: 'has',
    text: ({ seeder, leftBytes }) => (seeder ? 'all' : `all but ${formatBytes(leftBytes)}`),
    value: ({ seeder, leftBytes }) => (seeder ? 0n : -leftBytes),
    overflow: 'keep',
  },
  {
    title: 'received',
    align: 'right',
    text: ({ downloadedBytes }) => formatBytes(downloadedBytes),
    value: ({ downloadedBytes }) => downloadedBytes,
  },
  {
    title: 'sent',
    align: 'right',
    text: ({ uploadedBytes }) => formatBytes(uploadedBytes),
    value: ({ uploadedBytes }) => uploadedBytes,
  },
];

const STATUS: ListColumn<KnownMember> = {
  title: 'status',
  text: ({ banned }, { colors }) => (banned === undefined ? '' : colors.red(`banned: ${plain(banned)}`)),
};
