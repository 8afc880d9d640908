import { z } from 'zod';
import { linkFields } from './store.ts';

const hash = z.string().regex(/^[0-9a-f]{64}$/);
const seq = z.int().min(1);
const ids = z.array(z.string()).readonly();

const entry = z
  .strictObject({
    name: z.string(),
    operation: z.enum(['create', 'timer', 'revoke', 'unlink', 'remove']).optional(),
    data: z.string().nullable(),
    dataDigest: hash.optional(),
    from: z.string().nullable(),
    to: z.string().nullable(),
    actor: z.strictObject({
      kind: z.enum(['job', 'worker', 'reader', 'operator', 'admin', 'system']),
      id: z.string(),
    }),
    tokenId: z.string().optional(),
    key: z.string().optional(),
    keyCount: seq.optional(),
    effects: z
      .array(
        z.strictObject({
          type: z.string(),
          params: z.record(z.string(), z.unknown()).nullable(),
        }),
      )
      .min(1)
      .readonly()
      .optional(),
    hash,
  })
  .refine(({ key, keyCount }) => (key === undefined) === (keyCount === undefined), {
    message: 'a key and the number of its entries stand together',
  });

const setup = z.strictObject({
  pipeline: z.string().nullable(),
  links: z.strictObject(
    Object.fromEntries(linkFields.map((field) => [field, ids.optional()] as const)),
  ),
  session: z.string().nullable(),
  agent: z.string().nullable(),
  task: z.string().nullable(),
  archivePath: z.string(),
  tags: ids,
  instance: z.string().optional(),
});

/**
 * A commit as it is stored, and nothing beside it: what no hash covers must not be able to say anything.
 */
export const commitSchema = z.strictObject({
  job: z.string().min(1),
  seq,
  type: z.string(),
  typeVersion: z.string(),
  at: z.date(),
  process: z.string(),
  nonce: z.int().min(0),
  entries: z.array(entry).min(1),
  setup: setup.optional(),
  linksRemoved: z.int().min(0).optional(),
});
