import { z } from 'zod';

/** How often what went wrong is tried again by itself, by the class of its error. */
export const retryPolicy = z.strictObject({
  /** Class → retries since the last reset; `*` is the one budget of all classes that are not named. */
  limits: z.record(z.string().min(1).max(64), z.int().min(0).max(1_000)),
  /** Milliseconds before the first retry; each further one of its class waits twice as long. */
  delay: z.int().min(0).max(86_400_000).optional(),
  /** The longest wait in milliseconds. */
  longestDelay: z.int().min(0).max(86_400_000).optional(),
});
export type RetryPolicy = z.output<typeof retryPolicy>;

const usual = { delay: 1_000, longestDelay: 600_000 };

/**
 * What holds for every record unless its policy says otherwise: a record is given back when its worker is
 * lost, but not for ever, as it may be what its workers die of. Source: QCFractal's default for lost work.
 */
const always: Readonly<Record<string, number>> = { worker_lost: 5 };

/** Under which limit a class of errors counts. */
export const limitKeyOf = (policy: RetryPolicy | null, errorClass: string): string =>
  Object.hasOwn(policy?.limits ?? {}, errorClass) || Object.hasOwn(always, errorClass)
    ? errorClass
    : '*';

/** Whether another retry is within the limit, given how many there were. */
export function mayRetry(
  policy: RetryPolicy | null,
  retried: Readonly<Record<string, number>>,
  errorClass: string,
): boolean {
  const key = limitKeyOf(policy, errorClass);
  const limit = policy?.limits[key] ?? always[key] ?? 0;
  return (retried[key] ?? 0) < limit;
}

/** Milliseconds before the next retry, after so many of its class. */
export function delayOf(policy: RetryPolicy | null, before: number): number {
  const { delay = usual.delay, longestDelay = usual.longestDelay } = policy ?? {};
  return Math.min(delay * 2 ** before, longestDelay);
}
