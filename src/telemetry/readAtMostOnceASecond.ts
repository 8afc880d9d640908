/** Milliseconds: how long an answer is given again, and how long one waits for a new one. */
const freshMs = 1_000;
const patienceMs = 2_000;

/**
 * Asks at most once a second, and never again before the last question is answered, however many want
 * to know. Null where asking failed or takes too long: who reads metrics wants the others all the same.
 */
export function readAtMostOnceASecond<Value>(
  read: () => Promise<Value>,
  now: () => number = () => performance.now(),
): () => Promise<Value | null> {
  let asked: { readonly at: number; readonly answer: Promise<Value | null> } | undefined;
  let isPending = false;
  const ask = async (): Promise<Value | null> => {
    isPending = true;
    try {
      return await read();
    } catch {
      // The gap in the metric tells; why the store does not answer is told where it is used.
      return null;
    } finally {
      isPending = false;
    }
  };
  return () => {
    if (!asked || (!isPending && now() - asked.at >= freshMs)) asked = { at: now(), answer: ask() };
    return withPatience(asked.answer);
  };
}

async function withPatience<Value>(answer: Promise<Value | null>): Promise<Value | null> {
  let timer: NodeJS.Timeout | undefined;
  const tooLong = new Promise<null>((resolve) => {
    timer = setTimeout(() => resolve(null), patienceMs);
    timer.unref();
  });
  try {
    return await Promise.race([answer, tooLong]);
  } finally {
    clearTimeout(timer);
  }
}
