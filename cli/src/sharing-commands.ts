import { EnjambreError } from '@enjambre/core/error';
import type { ClientCommand } from './client-command.js';
import { downloadFlag, priorityFlag, seedRatioFlag, seedTimeFlag, uploadFlag } from './limit-flags.js';
import { onDisk, pieceLength, present, seconds, text } from './option-values.js';
import { append } from './service-options.js';

const GET_NOTES = `
A name means the newest version of its publisher; if several peers publish it, they are listed.

  enjambre get w1.bin                      the newest version
  enjambre get w1.bin@3                    version 3 (w1.bin@1a2b3c4d: by digits of its infohash)
  enjambre get w1.bin --publisher alice    if several peers publish that name
  enjambre get w1.bin --replace            in place of the older version
  enjambre get w1.bin --follow             and of each later one
  enjambre get a.bin b.bin -o /srv         two files, into /srv
  enjambre get - < w1.torrent              what a .torrent names
  enjambre get set --select 'sub/*.bin'    part of a folder; ** matches across folders
  enjambre get set --show-files            the paths in it, and nothing is downloaded
  enjambre get set --select sub --select '!**/*.log'    a folder in it, without its logs
  enjambre get w1.bin --seed-ratio 2 --seed-time 12h    seeds until the first of both
  enjambre get w1.bin --seed-ratio 0       and does not seed it after completion

--exec runs its COMMAND with sh -c, for one file at a time, also if the file was complete
before. The file is in variables, and only there: ENJAMBRE_FILE_PATH, _NAME, _INFOHASH,
_SIZE_BYTES, of a part of a folder also _SELECTED_BYTES, and of a published name also
_VERSION, _PUBLISHER and _PUBLISHER_ID. Put them in double quotes. Its standard input is
empty, and with --json its standard output goes to standard error. If it fails, get exits 1.
It runs in this command and not in the agent: with --follow, get stays, and continues after
a failure; if get is not running, nothing is run.

  enjambre get w1.bin --exec 'sha256sum "$ENJAMBRE_FILE_PATH"'
  enjambre get w1.bin --follow --exec 'systemctl reload inference'`;

const SHARE_NOTES = `
If symbolic links are left out, the rest is shared, each link is named on standard error, and
the command exits 1.

  enjambre share model.bin                   share a file under its own name
  enjambre share release/ notes.txt          share a folder and a file
  enjambre share model.bin --torrent model.torrent`;

/** Commands that share and download content. */
export const SHARING: readonly ClientCommand[] = [
  {
    usage: 'share <PATH...>',
    summary: 'share files or folders, and print the infohash and magnet link of each',
    kinds: { PATH: 'path' },
    flags: [
      {
        flags: '--name <NAME>',
        description: 'share it under another name (default: its file name); needs a single PATH',
        parse: present('--name: a name is missing'),
      },
      {
        flags: '--piece-length <BYTES>',
        description: 'bytes per piece: a power of two from 16KiB to 64MiB (default: chosen by the size)',
        parse: pieceLength,
      },
      {
        flags: '--torrent <FILE>',
        description: 'also write a .torrent file; - for standard output (may be repeated)',
        kind: 'path',
        parse: (value: string, previous: readonly string[] | undefined) =>
          append(present('--torrent: a path is missing')(value), previous),
      },
      {
        flags: '--follow-links',
        description: 'follow symbolic links whose target is inside the folder',
      },
      { flags: '--follow-links-outside', description: 'follow all symbolic links' },
      {
        flags: '--skip-unsupported',
        description:
          'skip and list what cannot be shared: unsupported names, and links that are not followed',
      },
      uploadFlag,
      priorityFlag,
      seedRatioFlag,
      seedTimeFlag,
    ],
    handle: async (session, paths, given) => {
      paths.forEach(onDisk('PATH'));
      if (given.seedRatio === 0 || given.seedTime === 0) {
        const message = 'a seeding limit of 0 would end the sharing at once: choose a larger one, or none';
        throw new EnjambreError('invalid', 'USAGE', message);
      }
      const [{ share }, { limitsGiven }] = await Promise.all([
        import('./commands/share.js'),
        import('./limit-values.js'),
      ]);
      await share(session, paths, {
        name: text(given.name),
        pieceLength: typeof given.pieceLength === 'number' ? given.pieceLength : undefined,
        torrents: Array.isArray(given.torrent) ? given.torrent.map(String) : [],
        limits: limitsGiven(given),
        followLinks:
          given.followLinksOutside === true ? 'anywhere' : given.followLinks === true ? 'inside' : undefined,
        skipUnsupported: given.skipUnsupported === true,
      });
    },
    notes: SHARE_NOTES,
  },
  {
    usage: 'get <REF...>',
    kinds: { REF: 'shared-file' },
    summary: 'download, and wait for completion (--detach returns at once)',
    flags: [
      {
        flags: '-o, --output <DIR>',
        kind: 'folder',
        description: "target folder (default: the agent's download folder)",
        parse: onDisk('--output'),
      },
      {
        flags: '--name <NAME>',
        description: 'name that the content must have; required if it is hidden; needs a single REF',
      },
      {
        flags: '--publisher <PEER>',
        kind: 'peer',
        description: 'only versions by this publisher: its name, or the first 8 digits of its id',
        parse: present('--publisher: a peer is missing'),
      },
      {
        flags: '--replace',
        description: 'replace what has that name in the target folder once the download is complete',
      },
      {
        flags: '--follow',
        description: 'move to each new version of that name and publisher, until the transfer is removed',
      },
      {
        flags: '--select <GLOB>',
        description: "only these files of a folder, such as 'sub/*.bin' (may be repeated; ! excludes)",
        parse: (value: string, previous: readonly string[] | undefined) =>
          append(present('--select: a pattern is missing')(value), previous),
      },
      {
        flags: '--show-files',
        description: 'list the files in it, or those that --select matches, and download nothing',
      },
      { flags: '--detach', description: 'return at once; the agent continues in the background' },
      {
        flags: '--timeout <DURATION>',
        description:
          'stop waiting after DURATION, such as 90s or 1h30m (default: never); the agent continues in the background',
        parse: seconds,
      },
      {
        flags: '--exec <COMMAND>',
        description:
          'run COMMAND with sh after completion, with $ENJAMBRE_FILE_PATH and others set; with --follow, for each version',
        parse: present('--exec: a command is missing'),
      },
      uploadFlag,
      downloadFlag,
      priorityFlag,
      seedRatioFlag,
      seedTimeFlag,
    ],
    notes: GET_NOTES,
    handle: async (session, refs, given) => {
      const select = Array.isArray(given.select) ? given.select.map(String) : [];
      if (given.showFiles === true) {
        const { checkShown, showFiles } = await import('./commands/show-files.js');
        checkShown(given);
        return showFiles(session, refs, { publisher: text(given.publisher), select });
      }
      const [{ get }, { limitsGiven }] = await Promise.all([
        import('./commands/get.js'),
        import('./limit-values.js'),
      ]);
      await get(session, refs, {
        output: text(given.output),
        name: text(given.name),
        publisher: text(given.publisher),
        replace: given.replace === true,
        follow: given.follow === true,
        select,
        detach: given.detach === true,
        exec: text(given.exec),
        timeoutSeconds: typeof given.timeout === 'number' ? given.timeout : undefined,
        limits: limitsGiven(given),
      });
    },
  },
];
