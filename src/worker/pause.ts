/** Waits, or less long where the signal is raised. */
export const pause = (milliseconds: number, signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const wake = (): void => {
      clearTimeout(timer);
      signal.removeEventListener('abort', wake);
      resolve();
    };
    const timer = setTimeout(wake, milliseconds);
    signal.addEventListener('abort', wake, { once: true });
  });

/** Pauses that grow by half each time up to the longest, with jitter. */
export interface BackOff {
  next(): number;
  reset(): void;
}

export function createBackOff(first: number, longest: number): BackOff {
  let full = Math.min(first, longest);
  return {
    next() {
      const given = full * (0.75 + Math.random() / 2);
      full = Math.min(full * 1.5, longest);
      return Math.min(given, longest);
    },
    reset() {
      full = Math.min(first, longest);
    },
  };
}
