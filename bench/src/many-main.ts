import { benchMany, type ManyResult } from './many.js';
import { report } from './report.js';
import { folderOf, numbersSetting } from './settings.js';

const COUNTS = numbersSetting('BENCH_FILES', [250, 500, 1000], 100_000);
const FOLDER = folderOf('disk');

const results = await benchMany({ counts: COUNTS, parent: FOLDER });

const cells = ({ ms, cpuSeconds, writtenBytes }: ManyResult['shares'], files: number): string =>
  `${(ms / 1000).toFixed(1)} s, ${(ms / files).toFixed(1)} ms each, ${cpuSeconds.toFixed(1)} CPU s, ${(writtenBytes / 1e6).toFixed(1)} MB`;
await report({
  benchmark: 'many',
  about: `very many files of 1 KiB on one agent (${FOLDER}), one run each; MB are those written by system calls`,
  tables: [
    {
      head: [
        'files',
        'in a shared folder',
        'shared one by one',
        'started again with both',
        'removed one by one',
      ],
      rows: results.map(({ files, sharedFolder, shares, restart, removals }) => [
        String(files),
        cells(sharedFolder, files),
        cells(shares, files),
        cells(restart, 2 * files),
        cells(removals, files),
      ]),
    },
  ],
  data: { results },
});
