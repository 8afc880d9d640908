import { ProblemError, type ProblemDocument } from './clientErrors.ts';

/** What the service said. */
export interface Answer {
  readonly status: number;
  readonly json: unknown;
}

/** A problem, and whether the same request may fare better later. */
export interface ToldFailure {
  readonly error: ProblemError;
  readonly again: boolean;
  readonly retryAfter: string | undefined;
}

/** Reads the whole answer; a failure with the status in `accepts` counts as one that succeeded. */
export async function readAnswer(
  response: Response,
  token: string | undefined,
  { accepts, readsText = false }: { accepts?: number; readsText?: boolean } = {},
): Promise<Answer | ToldFailure> {
  const { status } = response;
  if (!response.ok && status !== accepts) return readProblem(response, token);
  const text = await response.text();
  const json = readsText ? plainText(response, text) : parseJson(text);
  if (json !== undefined) return { status, json };
  return { error: new ProblemError(unexpected(response)), again: false, retryAfter: undefined };
}

/** The problem that an answer tells, also one of something in between that knows no problems. */
export async function readProblem(
  response: Response,
  token: string | undefined,
): Promise<ToldFailure> {
  const { status } = response;
  const text = await response.text();
  // Whatever is in between might tell a request back.
  const told = parseJson(token === undefined ? text : text.replaceAll(token, '[token]'));
  const problem = isProblem(told) ? { ...told, status } : unexpected(response);
  return {
    error: new ProblemError(problem),
    again: again.has(status),
    retryAfter: response.headers.get('retry-after') ?? undefined,
  };
}

/** Come later, or the words of something in between that had no answer. */
const again: ReadonlySet<number> = new Set([429, 502, 503, 504]);

/** What says of itself that it is one: something in between may have answered with a page. */
const plainText = ({ headers }: Response, text: string): string | undefined =>
  headers.get('content-type')?.startsWith('text/plain') ? text : undefined;

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}

const isProblem = (value: unknown): value is ProblemDocument =>
  typeof value === 'object' &&
  value !== null &&
  ['code', 'detail', 'title'].every(
    (field) => typeof (value as Record<string, unknown>)[field] === 'string',
  );

const unexpected = ({ status }: Response): ProblemDocument => ({
  code: 'UNEXPECTED_ANSWER',
  title: 'Unexpected answer',
  status,
  detail: `Answer ${status} is not of a jobwright service; check the URL and what stands before the service`,
});
