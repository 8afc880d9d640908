import { JobError } from '../errors.ts';

/** What the door itself refuses, before anything of a job is looked at. */
export class RequestError extends JobError {
  readonly code: RequestErrorCode;

  constructor(
    code: RequestErrorCode,
    message: string,
    fields: Readonly<Record<string, unknown>> = {},
  ) {
    super(message);
    this.code = code;
    Object.assign(this, fields);
  }
}

export type RequestErrorCode =
  | 'NOT_FOUND'
  | 'METHOD_NOT_ALLOWED'
  | 'BAD_REQUEST'
  | 'MALFORMED_JSON'
  | 'PAYLOAD_TOO_LARGE'
  | 'UNSUPPORTED_MEDIA_TYPE'
  | 'MISDIRECTED_REQUEST'
  | 'TOO_MANY_STREAMS'
  | 'OVERLOADED'
  | 'STOPPING'
  | 'INTERNAL';
