import { benchLoop } from './loop.js';
import { report } from './report.js';
import { folderOf, numberSetting } from './settings.js';

const FILES = numberSetting('BENCH_FILES', { default: 100_000, most: 400_000 });
const FOLDER = folderOf('memory');

const results = await benchLoop({ files: FILES, parent: FOLDER });

await report({
  benchmark: 'loop',
  about: `event loop stalls of an agent with a share of ${FILES} tiny files (${FOLDER})`,
  tables: [
    {
      head: [
        'call',
        'agent',
        'took',
        'longest, of the processor',
        'longest, by the clock',
        'more than 50 ms',
      ],
      rows: results.map(({ call, agent, seconds, longestMs, longestWallMs, over50 }) => [
        call,
        agent,
        `${seconds.toFixed(1)} s`,
        `${longestMs.toFixed(0)} ms`,
        `${longestWallMs.toFixed(0)} ms`,
        `${over50} times`,
      ]),
    },
  ],
  data: { files: FILES, results },
});
