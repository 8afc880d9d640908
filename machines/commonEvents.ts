import { z } from 'zod';
import type { MachineEvent } from '../src/machine/event.ts';

/** Priorities by name; any whole number from 0 to 1000 stands beside them. */
export const priorities = { low: 250, normal: 500, high: 750 } as const;

/** The higher, the sooner: 0 to 1000, or `low`, `normal`, `high`. */
export const priority = z.union(
  [
    z.int().min(0).max(1000),
    z.enum(['low', 'normal', 'high']).transform((name) => priorities[name]),
  ],
  'low, normal, high, or a whole number from 0 to 1000',
);

/** A word by which workers choose what they take; its case does not matter. */
export const queueTag = z
  .string()
  .trim()
  .min(1)
  .max(64)
  .regex(/^[^\p{Cc}]*$/u, 'a text without control characters')
  .transform((tag) => tag.toLowerCase());

/**
 * Events that any machine may take in, as data: give their schemas in `events`, and their transitions in
 * `on`, of single states or of the machine as a whole; one without a target needs an action, if only
 * `assign({})`, as it forbids the event otherwise. An entry named `comment` that moves nothing leaves
 * the job's `updatedAt` as it is.
 */
export const commonEvents = {
  /** A remark of somebody: who and when stand in its entry. */
  comment: z.looseObject({ text: z.string().trim().min(1).max(16_384) }),
  /** Another tag or priority in the queue of workers. */
  modify: z
    .looseObject({ tag: queueTag.optional(), priority: priority.optional() })
    .refine(
      ({ tag, priority: wanted }) => tag !== undefined || wanted !== undefined,
      'give a tag or a priority, or both',
    ),
};

/** Where a job stands in the queue of workers; part of a context that takes in `modify`. */
export interface QueueWish {
  readonly tag: string;
  readonly priority: number;
}

/** What `modify` makes of a context. */
export function modified(context: QueueWish, { data }: MachineEvent): QueueWish {
  const { tag = context.tag, priority: wanted = context.priority } = data as Partial<QueueWish>;
  return { tag, priority: wanted };
}
