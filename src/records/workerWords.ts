import { z } from 'zod';
import { queueTag } from '../../machines/commonEvents.ts';
import { InvalidData } from '../errors.ts';
import { issuesOf } from '../jobs/parseEvent.ts';
import type { Activation } from './workerProtocol.ts';

/** Tags or programs that one worker may name. */
const maxWords = 100;

const word = z.string().max(200);
const words = z
  .array(word)
  .max(maxWords)
  .transform((given) => given.filter((each) => each.trim() !== ''))
  .pipe(z.array(queueTag))
  .transform((given) => [...new Set(given)]);

const name = z
  .string()
  .regex(/^[A-Za-z0-9][A-Za-z0-9._:@~-]{0,199}$/, 'letters, digits and . _ : @ ~ -, at most 200');

const activation = z.strictObject({
  name: name.optional(),
  tags: words.optional(),
  programs: z
    .record(word, z.string().max(200))
    .refine((given) => Object.keys(given).length <= maxWords, `at most ${maxWords} programs`)
    .optional(),
  leaseSeconds: z.number().min(2).max(3_600).optional(),
});

/** How a worker presents itself, in the words of the queue. */
export interface Introduction {
  readonly name: string | undefined;
  readonly tags: readonly string[];
  readonly programs: Readonly<Record<string, string>>;
  readonly leaseSeconds: number;
}

/**
 * Tags and programs in lower case, without blanks around them, each once in its order; empty ones are dropped.
 * Throws InvalidData where some were given and none is left.
 */
export function readActivation(given: Activation): Introduction {
  const parsed = activation.safeParse(given);
  if (!parsed.success) throw new InvalidData('worker', issuesOf(parsed.error, 'worker'));
  const { tags, programs = {}, leaseSeconds = 30 } = parsed.data;
  if (tags?.length === 0) throw none('tags');
  const pairs = Object.entries(programs).filter(([program]) => program.trim() !== '');
  if (pairs.length === 0 && Object.keys(programs).length > 0) throw none('programs');
  const versions = new Map<string, string>();
  for (const [program, version] of pairs) {
    const [known = ''] = toWords('programs', [program]) ?? [];
    if (!versions.has(known)) versions.set(known, version);
  }
  return {
    name: parsed.data.name,
    tags: tags ?? ['*'],
    programs: Object.fromEntries(versions),
    leaseSeconds,
  };
}

/** The same of tags or programs alone; undefined where none are given. */
export function toWords(path: 'tags' | 'programs', given: unknown): readonly string[] | undefined {
  if (given === undefined || given === null) return undefined;
  const parsed = words.safeParse(given);
  if (!parsed.success) throw new InvalidData(path, issuesOf(parsed.error, path));
  return parsed.data;
}

/** Whether this could be the name of a worker. */
export const isWorkerName = (given: unknown): given is string => name.safeParse(given).success;

const none = (path: string): InvalidData =>
  new InvalidData('worker', [
    { path, message: 'none is left; leave it out, or give one at least' },
  ]);
