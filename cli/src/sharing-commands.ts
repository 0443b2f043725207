import type { ClientCommand } from './client-command.js';
import { downloadFlag, limitsGiven, priorityFlag, uploadFlag } from './limit-flags.js';
import { onDisk, pieceLength, present, seconds, text } from './option-values.js';
import { append } from './service-options.js';

/** What puts content into the network, and what gets it. */
export const SHARING: readonly ClientCommand[] = [
  {
    usage: 'share <PATH>',
    summary: 'offer a file or folder, and print its infohash and magnet link',
    flags: [
      {
        flags: '--name <NAME>',
        description: 'share it under another name',
        parse: present('--name: a name is missing'),
      },
      {
        flags: '--piece-length <BYTES>',
        description: 'bytes in a piece: a power of two from 16KiB to 64MiB',
        parse: pieceLength,
      },
      {
        flags: '--torrent <FILE>',
        description: 'write a .torrent, too, - for standard output (may be repeated)',
        parse: (value: string, previous: readonly string[] | undefined) =>
          append(present('--torrent: a path is missing')(value), previous),
      },
      {
        flags: '--follow-links',
        description: 'share what symbolic links in a folder lead to, inside the folder',
      },
      { flags: '--follow-links-outside', description: 'share what they lead to, wherever it is' },
      {
        flags: '--skip-unsupported',
        description:
          'leave out, and list, what cannot be shared: such names, and links that are not followed',
      },
      uploadFlag,
      priorityFlag,
    ],
    handle: async (session, [path = ''], given) => {
      onDisk('PATH')(path);
      const { share } = await import('./commands/share.js');
      await share(session, path, {
        name: text(given.name),
        pieceLength: typeof given.pieceLength === 'number' ? given.pieceLength : undefined,
        torrents: Array.isArray(given.torrent) ? given.torrent.map(String) : [],
        limits: limitsGiven(given),
        followLinks:
          given.followLinksOutside === true ? 'anywhere' : given.followLinks === true ? 'inside' : undefined,
        skipUnsupported: given.skipUnsupported === true,
      });
    },
    notes:
      'Exits 1 although the content is shared if it lacks what symbolic links lead to: each is named on standard error.',
  },
  {
    usage: 'get <REF>',
    summary: 'download, and stay until it is complete',
    flags: [
      {
        flags: '--output <DIR>',
        description: "folder to put it in (default: the agent's download folder)",
        parse: onDisk('--output'),
      },
      { flags: '--detach', description: 'return at once; the agent continues in the background' },
      {
        flags: '--timeout <SECONDS>',
        description: 'give up waiting when it is not complete by then; the agent continues in the background',
        parse: seconds,
      },
      uploadFlag,
      downloadFlag,
      priorityFlag,
    ],
    handle: async (session, [ref = ''], given) => {
      const { get } = await import('./commands/get.js');
      await get(session, ref, {
        output: text(given.output),
        detach: given.detach === true,
        timeoutSeconds: typeof given.timeout === 'number' ? given.timeout : undefined,
        limits: limitsGiven(given),
      });
    },
  },
];
