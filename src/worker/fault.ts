import { JobError } from '../errors.ts';

/** The stable code of an error, or what comes nearest. */
export function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : 'UNEXPECTED';
}

/** Never throws, whatever was thrown. */
export function messageOf(error: unknown): string {
  try {
    return String(error instanceof Error ? error.message : error);
  } catch {
    return `a ${typeof error} that is no text`;
  }
}

/** The worker is not, or no longer, known as active: whatever it had is with others. */
export const isGone = (error: unknown): boolean => gone.has(codeOf(error));

/** The call itself is at fault, in some part of what it sent. */
export const isMalformed = (error: unknown): boolean => malformed.has(codeOf(error));

/**
 * The same call may fare better later: there was no answer, or a failure of the service. What is no error of
 * ours came from the network or from what is in between.
 */
export function isPassing(error: unknown): boolean {
  if (!(error instanceof JobError)) return true;
  const status = 'status' in error ? error.status : undefined;
  if (typeof status === 'number') return status >= 500 || status === 408 || status === 429;
  return passing.has(error.code);
}

const gone: ReadonlySet<string> = new Set(['WORKER_INACTIVE', 'WORKER_NOT_FOUND']);

const malformed: ReadonlySet<string> = new Set([
  'PAYLOAD_TOO_LARGE',
  'OUTPUT_TOO_LARGE',
  'INVALID_DATA',
  'MALFORMED_JSON',
  'BAD_REQUEST',
]);

const passing: ReadonlySet<string> = new Set([
  'STORE_UNAVAILABLE',
  'SERVICE_UNREACHABLE',
  'OVERLOADED',
  'STOPPING',
  'INTERNAL',
]);
