import { VERSION } from '@enjambre/common/version';
import type { Session } from '../context.js';

/** `enjambre version`: with --quiet only the number, as `--version` prints it. */
export function version({ output }: Pick<Session, 'output'>): void {
  const { version: node, platform, arch } = process;
  output.object({ type: 'version', version: VERSION, node: node.slice(1), platform, arch });
  output.line(output.quiet ? VERSION : `enjambre ${VERSION}, Node ${node.slice(1)}, ${platform} ${arch}`);
}
