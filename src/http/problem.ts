import { JobError } from '../errors.ts';
import type { Answer } from './route.ts';

/** Error code → HTTP status: the one home of these numbers. */
export const statusOf: Readonly<Record<string, number>> = {
  INVALID_DATA: 400,
  MIXED_PARENTS: 400,
  ARCHIVE_PATH_REFUSED: 400,
  BAD_REQUEST: 400,
  MALFORMED_JSON: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  ADMIN_REQUIRED: 403,
  NOT_FOUND: 404,
  JOB_NOT_FOUND: 404,
  PIPELINE_NOT_FOUND: 404,
  PARENT_NOT_FOUND: 404,
  DOCUMENT_NOT_FOUND: 404,
  WORKER_NOT_FOUND: 404,
  DATASET_NOT_FOUND: 404,
  OUTPUT_NOT_FOUND: 404,
  UNKNOWN_MACHINE: 404,
  METHOD_NOT_ALLOWED: 405,
  INVALID_TRANSITION: 409,
  CANCEL_TOO_LATE: 409,
  WORKER_EXISTS: 409,
  WORKER_INACTIVE: 409,
  LEASE_LOST: 409,
  STILL_REFERENCED: 409,
  PLAN_REQUIRED: 409,
  PLAN_REFUSED: 409,
  EFFECT_FAILED: 409,
  VERSION_MISMATCH: 412,
  PAYLOAD_TOO_LARGE: 413,
  OUTPUT_TOO_LARGE: 413,
  UNSUPPORTED_MEDIA_TYPE: 415,
  MISDIRECTED_REQUEST: 421,
  UNKNOWN_EVENT: 422,
  IDEMPOTENCY_CONFLICT: 422,
  TOO_MANY_STREAMS: 429,
  STREAM_OVERFLOW: 429,
  INTERNAL: 500,
  MACHINE_FAULT: 500,
  STORE_UNAVAILABLE: 503,
  OVERLOADED: 503,
  STOPPING: 503,
};

/** Seconds after which it is worth another try. */
const retryAfter: Readonly<Record<string, string>> = {
  STORE_UNAVAILABLE: '2',
  OVERLOADED: '1',
  STOPPING: '1',
  TOO_MANY_STREAMS: '10',
};

/** What RFC 9457 calls a problem, with a stable `code` and the fields of the error. */
export interface Problem {
  readonly type: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  readonly code: string;
  readonly [field: string]: unknown;
}

/** An error as a problem. What is no JobError is told as INTERNAL, without its text. */
export function problemOf(error: unknown, status?: number): Problem {
  if (!(error instanceof JobError)) return internal;
  const { message, code, ...fields } = error.toJSON() as { message: string; code: string };
  return {
    ...fields,
    type: `urn:jobwright:problem:${code.toLowerCase().replaceAll('_', '-')}`,
    title: titleOf(code),
    status: status ?? statusOf[code] ?? 500,
    detail: message,
    code,
  };
}

const internal: Problem = {
  type: 'urn:jobwright:problem:internal',
  title: 'Internal',
  status: 500,
  detail:
    'Something went wrong that is not your fault, and it is in the log under the request id. Repeat a write with the same Idempotency-Key',
  code: 'INTERNAL',
};

/** The answer that tells a problem. */
export function problemAnswer(
  problem: Problem,
  headers: Readonly<Record<string, string>> = {},
): Answer {
  const { code, status } = problem;
  const wait = retryAfter[code];
  return {
    status,
    body: problem,
    headers: {
      'Content-Type': 'application/problem+json',
      ...(wait !== undefined && { 'Retry-After': wait }),
      ...(status === 401 && { 'WWW-Authenticate': 'Bearer realm="jobwright"' }),
      ...headers,
    },
  };
}

/** On every answer: nothing may keep it, or take it for what it is not, or pass its address on. */
export const standingHeaders = {
  'Cache-Control': 'no-store',
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
} as const;

/** INVALID_TRANSITION → Invalid transition. */
const titleOf = (code: string): string => {
  const words = code.toLowerCase().replaceAll('_', ' ');
  return `${words.charAt(0).toUpperCase()}${words.slice(1)}`;
};
