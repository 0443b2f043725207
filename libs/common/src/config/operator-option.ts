import { join } from 'node:path';
import { defaultDataDir } from './default-data-dir.js';
import { unlessHomeless } from './home-folder.js';
import type { Environment, Option } from './options.js';
import { pathSchema } from './schemas.js';

const OPERATOR_TOKEN_FILE = 'operator.token';

/** The setting that names the operator's token, for services that create it and for those that present it. */
export const operatorOptions = {
  operatorTokenFile: {
    placeholder: 'FILE',
    description:
      'file with the token of the operator, who may read all texts in events; tracker and messaging create it if missing',
    schema: pathSchema.optional(),
    default: { shown: '~/.local/share/enjambre/operator.token', find: defaultOperatorTokenFile },
    shared: true,
  },
} satisfies Record<string, Option>;

/** In the user's folder for state; undefined if there is no home folder, as in a container. */
export function defaultOperatorTokenFile(environment: Environment): string | undefined {
  return unlessHomeless(() => join(defaultDataDir(environment), OPERATOR_TOKEN_FILE));
}
