import type { ClientCommand, Given } from './client-command.js';
import { layoutFlags, wideFlag } from './global-flags.js';
import { downloadFlag, priorityFlag, seedRatioFlag, seedTimeFlag, uploadFlag } from './limit-flags.js';
import type { Selection } from './several.js';

const OF_TRANSFERS = { REF: 'transfer' } as const;

function selection(refs: readonly string[], given: Given): Selection {
  return { refs, all: given.all === true };
}

const LIMIT_NOTES = `
Without flags, shows the current limits. Without REF, --max-upload and --max-download apply to all
transfers together, until the agent stops; the other flags need a REF. The limits of a transfer are
stored with it.

  enjambre limit                                    show the current limits
  enjambre limit --max-upload 10MB                  limit the upload of all transfers together
  enjambre limit model.bin --max-download 500kB     limit the download of one transfer
  enjambre limit model.bin --max-download none      remove that limit
  enjambre limit model.bin --priority high          give it a larger part of a shared limit
  enjambre limit model.bin --seed-ratio 3           seed it until three times its size is sent`;

const LS_NOTES = `
  enjambre ls --sort up:desc              the busiest uploads first
  enjambre ls --columns name,state,path
  enjambre ls --quiet                     only infohashes, for scripts`;

const RM_NOTES = `
The files of a share are never deleted.

  enjambre rm model.bin              no longer share or download it; keep the file
  enjambre rm model.bin --data       and delete the downloaded file`;

const VERIFY_NOTES = `
  enjambre verify model.bin --wait   exits 1 if it cannot be completed
  enjambre verify --all`;

/** Commands for the transfers of an agent. */
export const TRANSFERS: readonly ClientCommand[] = [
  {
    usage: 'ls',
    summary: 'list the transfers of this agent',
    flags: [
      {
        flags: '-w, --watch',
        description: 'redraw the list every second until Ctrl-C; in a pipe, print changes',
      },
      ...layoutFlags(
        'name, state, done, size, down, up, peers, version, infohash, path, sent, ratio, reason, added',
      ),
    ],
    notes: LS_NOTES,
    handle: async (session, _, given) => {
      if (given.watch === true) return (await import('./commands/watch.js')).watchList(session);
      await (await import('./commands/transfers.js')).list(session);
    },
  },
  {
    usage: 'status <REF...>',
    summary: 'show transfers in detail: progress, rates, peers',
    flags: [wideFlag],
    kinds: OF_TRANSFERS,
    handle: async (session, refs) => (await import('./commands/transfers.js')).status(session, refs),
  },
  {
    usage: 'explain <REF...>',
    summary: 'show how downloads spent their time: sources, stalls and their causes',
    flags: [wideFlag],
    kinds: OF_TRANSFERS,
    handle: async (session, refs) => (await import('./commands/explain.js')).explain(session, refs),
  },
  {
    usage: 'pause [REF...]',
    summary: 'pause transfers; their data is kept',
    kinds: OF_TRANSFERS,
    flags: [{ flags: '--all', description: 'pause all running transfers' }],
    handle: async (session, refs, given) =>
      (await import('./commands/control.js')).pause(session, selection(refs, given)),
  },
  {
    usage: 'resume [REF...]',
    summary: 'resume paused or failed transfers, or seed a finished one; exits 1 if one fails again',
    kinds: OF_TRANSFERS,
    flags: [
      {
        flags: '--all',
        description: 'resume all transfers that are paused, failed or missing (not finished ones)',
      },
    ],
    handle: async (session, refs, given) =>
      (await import('./commands/control.js')).resume(session, selection(refs, given)),
  },
  {
    usage: 'verify [REF...]',
    summary: 'check all data on disk, and download damaged pieces again',
    kinds: OF_TRANSFERS,
    flags: [
      { flags: '--all', description: 'check all transfers' },
      { flags: '--wait', description: 'wait until the data is complete, and report what was intact' },
    ],
    notes: VERIFY_NOTES,
    handle: async (session, refs, given) =>
      (await import('./commands/verify.js')).verify(session, selection(refs, given), {
        wait: given.wait === true,
      }),
  },
  {
    usage: 'limit [REF]',
    kinds: OF_TRANSFERS,
    summary: 'show or change the limits of this agent or of the transfer REF',
    flags: [uploadFlag, downloadFlag, priorityFlag, seedRatioFlag, seedTimeFlag],
    notes: LIMIT_NOTES,
    handle: async (session, [ref], given) => {
      const { limitsGiven } = await import('./limit-values.js');
      await (await import('./commands/limit.js')).limit(session, ref, limitsGiven(given));
    },
  },
  {
    usage: 'rm [REF...]',
    summary: 'remove transfers; complete files are kept, a partial download is deleted',
    kinds: OF_TRANSFERS,
    flags: [
      { flags: '--all', description: 'remove all transfers' },
      { flags: '--data', description: 'also delete the downloaded files that have not changed' },
      {
        flags: '-f, --force',
        description: 'with --data: also delete files that changed, or existed before the download',
      },
    ],
    notes: RM_NOTES,
    handle: async (session, refs, given) =>
      (await import('./commands/control.js')).remove(session, selection(refs, given), {
        data: given.data === true,
        force: given.force === true,
      }),
  },
];
