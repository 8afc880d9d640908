import { JobError } from '../errors.ts';

/** How a command ends; see docs/cli.md. */
export const exitCodes = {
  ok: 0,
  failure: 1,
  usage: 2,
  notFound: 3,
  refused: 4,
  noRight: 5,
  conflict: 6,
  unreachable: 7,
  interrupted: 130,
} as const;

/** The exit code that an error stands for. */
export function exitCodeOf(error: unknown): number {
  const code = error instanceof JobError ? error.code : systemCode(error);
  return byErrorCode.get(code ?? '') ?? exitCodes.failure;
}

/** The code of an error of the file system or the network. */
export function systemCode(error: unknown): string | undefined {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return typeof code === 'string' ? code : undefined;
}

const { usage, notFound, refused, noRight, conflict, unreachable } = exitCodes;

const byErrorCode: ReadonlyMap<string, number> = new Map([
  ['INVALID_CONFIGURATION', usage],
  ['INVALID_DATA', usage],
  ['MIXED_PARENTS', usage],
  ['ARCHIVE_PATH_REFUSED', usage],
  ['BAD_REQUEST', usage],
  ['MALFORMED_JSON', usage],
  ['METHOD_NOT_ALLOWED', usage],
  ['PAYLOAD_TOO_LARGE', usage],
  ['UNSUPPORTED_MEDIA_TYPE', usage],
  ['MISDIRECTED_REQUEST', usage],
  ['JOB_NOT_FOUND', notFound],
  ['PIPELINE_NOT_FOUND', notFound],
  ['PARENT_NOT_FOUND', notFound],
  ['UNKNOWN_MACHINE', notFound],
  ['DOCUMENT_NOT_FOUND', notFound],
  ['WORKER_NOT_FOUND', notFound],
  ['OUTPUT_NOT_FOUND', notFound],
  ['DATASET_NOT_FOUND', notFound],
  ['NOT_FOUND', notFound],
  ['ENOENT', notFound],
  ['INVALID_TRANSITION', refused],
  ['UNKNOWN_EVENT', refused],
  ['CANCEL_TOO_LATE', refused],
  ['MACHINE_FAULT', refused],
  ['PLAN_REQUIRED', refused],
  ['PLAN_REFUSED', refused],
  ['UNAUTHENTICATED', noRight],
  ['FORBIDDEN', noRight],
  ['ADMIN_REQUIRED', noRight],
  ['IDEMPOTENCY_CONFLICT', conflict],
  ['VERSION_MISMATCH', conflict],
  ['WORKER_EXISTS', conflict],
  ['WORKER_INACTIVE', conflict],
  ['STORE_UNAVAILABLE', unreachable],
  ['EMBEDDED_MONGO', unreachable],
  ['SERVICE_UNREACHABLE', unreachable],
  ['UNEXPECTED_ANSWER', unreachable],
  ['OVERLOADED', unreachable],
  ['STOPPING', unreachable],
  ['TOO_MANY_STREAMS', unreachable],
]);
