/**
 * Does some work under a signal that is raised with the caller's own, or when the time is over.
 * Nothing of it stays behind: neither a timer nor a listener on a signal that lives long.
 */
export async function withDeadline<Result>(
  outer: AbortSignal | undefined,
  milliseconds: number,
  work: (signal: AbortSignal) => Promise<Result>,
): Promise<Result> {
  outer?.throwIfAborted();
  const ending = new AbortController();
  const end = (): void => ending.abort(outer?.reason);
  const expire = (): void =>
    ending.abort(new DOMException(`no whole answer within ${milliseconds} ms`, 'TimeoutError'));
  const timer = setTimeout(expire, milliseconds);
  outer?.addEventListener('abort', end, { once: true });
  try {
    return await work(ending.signal);
  } finally {
    clearTimeout(timer);
    outer?.removeEventListener('abort', end);
  }
}
