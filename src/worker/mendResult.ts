import type { Result } from '../records/workerProtocol.ts';
import { shorten } from './capture.ts';

/** Below this, shortening an output any further is no use. */
const leastBytes = 1_024;

/**
 * What to report instead of a result that was refused; undefined where nothing is left to try. Too much of an
 * output: that one shortened, or an error where it is the result itself, as half of one is none. Anything
 * else that is wrong with it: an error that says so.
 */
export function mendResult(result: Result, code: string, message: string): Result | undefined {
  const isTooLarge = code === 'OUTPUT_TOO_LARGE' || code === 'PAYLOAD_TOO_LARGE';
  if (isTooLarge) return withLess(result, message);
  if (result.outcome === 'complete') return asError(result, 'invalid_result', message);
  const { id, epoch, outcome, error, stdout, stderr } = result;
  if (stdout === undefined && stderr === undefined && result.result === undefined) return undefined;
  return { id, epoch, outcome, ...(error && { error }) };
}

function withLess(result: Result, message: string): Result | undefined {
  const sizes = sizesOf(result);
  const [largest, bytes] = Object.entries(sizes).reduce((most, one) =>
    one[1] > most[1] ? one : most,
  );
  if (bytes === 0) return undefined;
  if (largest === 'result') return asError(result, 'output_too_large', message);
  const name = largest === 'stdout' ? 'stdout' : 'stderr';
  const { [name]: text = '', ...rest } = result;
  if (bytes <= leastBytes) return rest;
  return { ...rest, [name]: shorten(text, Math.floor(bytes / 2)) };
}

/** Bytes of each output. */
function sizesOf({ result, stdout = '', stderr = '' }: Result): Record<string, number> {
  return {
    result: result === undefined ? 0 : Buffer.byteLength(JSON.stringify(result)),
    stdout: Buffer.byteLength(stdout),
    stderr: Buffer.byteLength(stderr),
  };
}

/** Bytes of a report, roughly, as it is sent. */
export function bytesOf(result: Result): number {
  const { result: own, stdout, stderr } = sizesOf(result);
  return (own ?? 0) + (stdout ?? 0) + (stderr ?? 0) + 500;
}

function asError(result: Result, type: string, message: string): Result {
  const { result: _refused, ...rest } = result;
  return { ...rest, outcome: 'error', error: { type, message: message.slice(0, 4_000) } };
}
