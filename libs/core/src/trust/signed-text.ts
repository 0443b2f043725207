import { EnjambreError } from '../error.js';

/** A text that a CA has signed. Nothing is proven until the signature is checked. */
export interface SignedText {
  readonly signed: string;
  /** In base64url. */
  readonly signature: string;
  /** Certificate of the CA that has signed, in PEM. */
  readonly signer: string;
}

/** Fits into one message of gRPC. */
const MAX_CHARS = 3 << 20;
const MAX_SIGNER_CHARS = 8192;
const MAX_SIGNATURE_CHARS = 1024;
/** More than the CAs of a network at one time. */
const MAX_TEXTS = 8;

/** The text of a file or message with several signed texts; inverse of {@link readSignedTexts}. */
export function writeSignedTexts(texts: readonly SignedText[]): string {
  return `${JSON.stringify({ lists: texts }, undefined, 1)}\n`;
}

/** Reads what {@link writeSignedTexts} wrote. Throws `invalid`, BAD_SIGNED_LIST. */
export function readSignedTexts(text: string): SignedText[] {
  if (text.length > MAX_CHARS) throw badSignedList(`it has more than ${MAX_CHARS} characters`);
  const { lists } = objectIn(text);
  if (!Array.isArray(lists) || lists.length > MAX_TEXTS) throw badSignedList('it has no lists');
  return lists.map(signedTextIn);
}

/** The members of a JSON object. Throws `invalid`, BAD_SIGNED_LIST. */
export function objectIn(text: string): Partial<Record<string, unknown>> {
  try {
    return Object(JSON.parse(text)) as Partial<Record<string, unknown>>;
  } catch (error) {
    throw badSignedList('it is not JSON', error);
  }
}

/** The error for a list that no version of ours wrote. */
export function badSignedList(why: string, cause?: unknown): EnjambreError {
  const message = `the list of a CA cannot be read: ${why}`;
  return new EnjambreError('invalid', 'BAD_SIGNED_LIST', message, { cause });
}

function signedTextIn(value: unknown): SignedText {
  const { signed, signature, signer } = Object(value) as Partial<Record<string, unknown>>;
  if (
    typeof signed !== 'string' ||
    !isText(signature, MAX_SIGNATURE_CHARS) ||
    !isText(signer, MAX_SIGNER_CHARS)
  )
    throw badSignedList('a list has no signature');
  return { signed, signature, signer };
}

function isText(value: unknown, maxChars: number): value is string {
  return typeof value === 'string' && value.length <= maxChars;
}
