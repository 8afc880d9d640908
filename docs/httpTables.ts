import { eventOfStatus, statusesByEvent } from '../src/http/externalStatus.ts';
import { statusOf } from '../src/http/problem.ts';
import type { RequestErrorCode } from '../src/http/requestError.ts';
import { defaultLimits, type Limits } from '../src/limits.ts';
import { markdownTable } from './markdownTable.ts';

/** What the statuses of outside schedulers mean. */
export function externalStatuses(): string[] {
  const rows = Object.entries(statusesByEvent).map(([event, statuses]) => [
    statuses.map((status) => `\`${status}\``).join(' '),
    `\`${event}\``,
  ]);
  return [
    `A callback may name a status of its scheduler instead of an event. Its case does not matter, and one that is not in the table is an \`${eventOfStatus('')}\`.`,
    markdownTable(['Status', 'Event'], rows),
  ];
}

/** What only the door says; every other code is a class of the library. */
const doorCodes: Readonly<Record<RequestErrorCode, string>> = {
  NOT_FOUND: 'no route has this path',
  METHOD_NOT_ALLOWED: 'the path has no such method; `Allow` names those that it has',
  BAD_REQUEST: 'the bytes are no request that can be read',
  MALFORMED_JSON: 'the body is no JSON object in UTF-8, or names a key twice',
  PAYLOAD_TOO_LARGE: 'the body is over the limit',
  UNSUPPORTED_MEDIA_TYPE: 'the body is not `application/json`',
  MISDIRECTED_REQUEST: 'the service does not answer under this host name',
  TOO_MANY_STREAMS: 'this actor has as many streams open as it may',
  OVERLOADED: 'the process works on as many requests as it takes at once',
  STOPPING: 'the process is stopping and opens no more streams',
  INTERNAL: 'a mistake of the service; the log has it under the request id',
};

/** Every code with its status. */
export function errorCodes(): string[] {
  const classOf = (code: string): string =>
    code.replaceAll(
      /(?:^|_)([A-Z])([A-Z]*)/g,
      (_found, first: string, rest: string) => `${first}${rest.toLowerCase()}`,
    );
  const rows = Object.entries(statusOf).map(([code, status]) => [
    String(status),
    `\`${code}\``,
    Object.hasOwn(doorCodes, code)
      ? doorCodes[code as RequestErrorCode]
      : `[${classOf(code)}](errors.md#${classOf(code).toLowerCase()})`,
  ]);
  return [
    'Every refusal and failure is `application/problem+json`, the shape [Problem](#problem), with the fields of its error beside it. Go by `code`: it is stable, the words are not.',
    '`401` comes with `WWW-Authenticate`, `405` with `Allow`. `429` and `503` come with `Retry-After`, in seconds. On a callback an unknown event is `400`. `BAD_REQUEST` is also `408` for a request that does not come to its end in time, `417` for an `Expect` that is not known, and `431` for headers that are too long.',
    markdownTable(['Status', 'Code', 'Meaning'], rows),
  ];
}

const limitMeanings: Readonly<Record<keyof Limits, string>> = {
  body: 'bytes of a request body, and of the data of one event or set-up',
  depth: 'levels of objects and lists in data',
  keys: 'keys and list items in data, in all',
  page: 'jobs, entries or records on a page',
  token: 'characters of a token',
  requests: 'requests that one process works on at once',
  streams: 'live streams of one actor in one process',
  chain: 'events in a chain',
  chainBytes: 'characters of data in a chain',
  output: 'bytes of one output of an attempt, before it is compressed',
  history: 'entries in a life of a job; only admins may add more',
  historyWarning: 'entries from which on a history is reported as long; nothing is refused',
};

/** Every limit with its usual value. */
export function limits(): string[] {
  const rows = Object.entries(defaultLimits).map(([name, value]) => [
    `\`${name}\``,
    Number(value).toLocaleString('en'),
    limitMeanings[name as keyof Limits],
  ]);
  return [
    'Each is set by `JOBWRIGHT_LIMITS=name=number,name=number`; what is not named keeps its usual value.',
    markdownTable(['Name', 'Usual', 'Limits'], rows),
  ];
}
