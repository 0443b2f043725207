import { EnjambreError } from '@enjambre/core/error';
import { quote } from '@enjambre/core/quote';
import type { LimitChange } from '../../domain/limits/limit-settings.js';
import { someOf } from '../../domain/publication.js';
import type { Replace, TransferRecord } from '../../domain/transfer-record.js';
import type { Identity } from '../agent/identity.js';
import type { SelectPatterns } from '../select-files.js';
import type { DownloadOptions } from './transfer-options.js';

/** What was requested with a download, besides its content and folder. */
export interface DownloadTerms {
  readonly limits: LimitChange;
  readonly replace: Replace;
  readonly follow: boolean;
  readonly select: SelectPatterns;
}

/**
 * What may be replaced: at least older versions, if newer ones are to follow. Any file only under a name that was
 * requested: otherwise the author of the content would choose the file.
 */
export function replaceOf(
  { askedByName = false }: Identity,
  { replace = false, follow = false }: Pick<DownloadOptions, 'replace' | 'follow'>,
): Replace {
  if (replace && askedByName) return 'any';
  return replace || follow ? 'own' : 'none';
}

/** Changes of a known transfer that is requested again. */
export function amendmentOf(
  { inPlace }: TransferRecord,
  { publications: [publication] = [] }: Identity,
  { replace, follow }: DownloadTerms,
): Partial<TransferRecord> {
  return {
    ...(replace !== 'none' && !inPlace && { replace }),
    ...(follow && { follow }),
    ...(publication && { publication }),
  };
}

/**
 * Throws if it is not clear whose versions are to be followed: `precondition` NOT_PUBLISHED or AMBIGUOUS_PUBLISHER. One
 * of several publishers may be a stranger that shares a copy.
 *
 * @param publisher the publisher that was requested; empty for none
 */
export function checkFollowable({ name, publications = [] }: Identity, publisher: string): void {
  if (publications.length === 1 || (publications.length > 1 && publisher !== '')) return;
  if (publications.length === 0) {
    const message = `the tracker knows no publisher of ${quote(name)}, whose versions could be followed: request it by the name under which its publisher shares it`;
    throw new EnjambreError('precondition', 'NOT_PUBLISHED', message);
  }
  const message = `${quote(name)} has several publishers: choose one, such as ${someOf(publications.map((its) => its.publisher))}`;
  throw new EnjambreError('precondition', 'AMBIGUOUS_PUBLISHER', message, {
    metadata: { setting: 'publisher' },
  });
}
