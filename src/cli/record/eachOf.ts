import { exitCodeOf, exitCodes } from '../exitCode.ts';
import type { Io } from '../io.ts';
import { JobError } from '../../errors.ts';
import { showText } from '../showText.ts';

/**
 * Does something for one id after the other. One that is refused does not keep the others from being done: it
 * is told on stderr, and the exit code is that of the first. What concerns all of them ends it.
 */
export async function eachOf(
  { stderr, signal }: Io,
  ids: readonly string[],
  act: (id: string) => Promise<void>,
): Promise<number> {
  const [only, ...others] = ids;
  if (only !== undefined && others.length === 0) {
    await act(only);
    return exitCodes.ok;
  }
  let code: number = exitCodes.ok;
  for (const id of ids) {
    signal.throwIfAborted();
    try {
      await act(id);
    } catch (error) {
      const ended = exitCodeOf(error);
      if (!(error instanceof JobError) || ofAll.has(ended)) throw error;
      stderr.write(`${showText(id)}: ${error.code}: ${showText(error.message)}\n`);
      if (code === exitCodes.ok) code = ended;
    }
  }
  return code;
}

/** The next one would fare no better. */
const ofAll: ReadonlySet<number> = new Set([exitCodes.noRight, exitCodes.unreachable]);
