import { JobError } from '../errors.ts';

/** What RFC 9457 calls a problem, as the service sends it. */
export interface ProblemDocument {
  readonly type?: string;
  readonly title: string;
  readonly status: number;
  readonly detail: string;
  /** The same stable code as in the library: `INVALID_TRANSITION`, `JOB_NOT_FOUND` … */
  readonly code: string;
  readonly [field: string]: unknown;
}

/**
 * A refusal or failure that the service told. It has every field of the problem document, so
 * `error.code` and `error.allowed` read as on the library's own errors; `message` is the detail.
 */
export class ProblemError extends JobError implements ProblemDocument {
  readonly code: string;
  readonly status: number;
  readonly title: string;
  readonly detail: string;
  readonly [field: string]: unknown;

  constructor(problem: ProblemDocument) {
    super(problem.detail);
    this.code = problem.code;
    this.status = problem.status;
    this.title = problem.title;
    this.detail = problem.detail;
    for (const [field, value] of Object.entries(problem)) {
      if (!(field in this)) Object.defineProperty(this, field, { value, enumerable: true });
    }
  }
}

/** No answer was had from the service. A write may or may not have been done: repeat it with the same key. */
export class ServiceUnreachable extends JobError {
  readonly code = 'SERVICE_UNREACHABLE';
  /** Without user, query and fragment. */
  readonly url: string;

  constructor(url: string, reason: string, options?: ErrorOptions) {
    super(
      `No answer from the service at ${url}: ${reason}. Check that it runs and that the URL is its own; a write may be repeated with the same key`,
      options,
    );
    this.url = url;
  }
}
