/**
 * Gives what the work gives; rejects where its time is over or the signal is raised before. The work itself
 * goes on then: what comes of it later is given to `late`.
 */
export function within<Given>(
  milliseconds: number,
  signal: AbortSignal,
  work: () => Promise<Given>,
  late: (given: Given) => void = () => undefined,
): Promise<Given> {
  return new Promise((resolve, reject) => {
    let isOver = false;
    const settle = (end: () => void): void => {
      if (isOver) return;
      isOver = true;
      clearTimeout(timer);
      signal.removeEventListener('abort', giveUp);
      end();
    };
    const giveUp = (): void => settle(() => reject(new GivenUp('it is no longer waited for')));
    const timer = setTimeout(
      () => settle(() => reject(new GivenUp(`no answer within ${Math.round(milliseconds)} ms`))),
      milliseconds,
    );
    signal.addEventListener('abort', giveUp, { once: true });
    if (signal.aborted) return giveUp();
    work().then(
      (given) => (isOver ? late(given) : settle(() => resolve(given))),
      (error: unknown) => settle(() => reject(asError(error))),
    );
  });
}

const asError = (reason: unknown): Error =>
  reason instanceof Error ? reason : new Error(String(reason));

/** Never leaves this folder. */
class GivenUp extends Error {
  readonly code = 'NO_ANSWER';
}
