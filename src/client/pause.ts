/** Milliseconds: the first pause, and the longest, also where the service asks for more. */
const first = 200;
const longest = 10_000;
const longestAsked = 30_000;

/** How long to wait after so many attempts: as Retry-After says, else twice as long each time, with jitter. */
export function pauseBefore(attempts: number, retryAfter?: string, now = Date.now()): number {
  const asked = readRetryAfter(retryAfter, now);
  if (asked !== undefined) return Math.min(asked, longestAsked);
  const full = Math.min(first * 2 ** (attempts - 1), longest);
  return full * (0.5 + Math.random() / 2);
}

/** Waits, or rejects with the signal's reason as soon as that is raised. */
export async function pause(milliseconds: number, signal?: AbortSignal): Promise<void> {
  signal?.throwIfAborted();
  await new Promise<void>((resolve) => {
    const wake = (): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', wake);
      resolve();
    };
    const timer = setTimeout(wake, milliseconds);
    signal?.addEventListener('abort', wake, { once: true });
  });
  signal?.throwIfAborted();
}

/** Seconds, or a date. Undefined for anything else. */
function readRetryAfter(text: string | undefined, now: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text.trim())) return Number(text) * 1_000;
  const until = Date.parse(text);
  return Number.isNaN(until) ? undefined : Math.max(0, until - now);
}
