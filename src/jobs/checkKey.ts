import { InvalidData } from '../errors.ts';

const maxLength = 200;

/** Keys under which the engine itself sends; see answerRepeat.ts, prepareEffect.ts, setupMany.ts and src/bulk. */
const reserved = /^(?:once|effect|bulk|many):/;

/**
 * A caller's idempotency key: a text of 1 to 200 characters, not blank, without control characters and
 * lone surrogates, that the engine does not keep for itself. Throws InvalidData for anything else.
 */
export function checkKey(key: unknown): string {
  const problem = findProblem(key);
  if (problem === undefined) return key as string;
  throw new InvalidData('idempotency key', [{ path: 'key', message: problem }]);
}

function findProblem(key: unknown): string | undefined {
  if (typeof key !== 'string' || key.trim() === '') return 'give a text that is not blank';
  if (key.length > maxLength) return `at most ${maxLength} characters`;
  if (/[\p{Cc}\p{Cs}]/u.test(key)) return 'a control character or half of a character';
  return reserved.test(key) ? 'keys that begin so are kept for the engine' : undefined;
}
