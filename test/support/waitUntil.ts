/** Resolves once the condition holds, to the milliseconds it took; rejects with what was last found. */
export const waitUntil = async (
  what: string,
  condition: () => Promise<string | true>,
  withinMs: number,
  everyMs = 50,
): Promise<number> => {
  const started = performance.now();
  for (;;) {
    const found = await condition();
    const elapsed = performance.now() - started;
    if (found === true) return elapsed;
    if (elapsed > withinMs) throw new Error(`${what}: after ${withinMs} ms still ${found}`);
    await new Promise((resolve) => setTimeout(resolve, everyMs));
  }
};

/** Whether the suites run with the counts of `npm run test:long`. */
export const isLong = process.env['LONG'] === '1';

/** A repeatable source of numbers from 0 up to 1. */
export const seededRandom = (seed: number): (() => number) => {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
};
