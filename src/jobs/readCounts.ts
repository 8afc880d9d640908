import { z } from 'zod';
import { InvalidData } from '../errors.ts';
import type { Engine } from './engine.ts';
import { issuesOf } from './parseEvent.ts';

/** Machine → dotted state → how many jobs are in it; a state or a machine without jobs is left out. */
export type Counts = Readonly<Record<string, Readonly<Record<string, number>>>>;

export interface CountFilter {
  readonly type?: string | undefined;
}

const schema = z.strictObject({ type: z.string().max(1_024).optional() });

/** How many jobs of each machine are in each state: cheap however many there are. */
export async function readCounts(
  { store }: Pick<Engine, 'store'>,
  filter: CountFilter = {},
): Promise<Counts> {
  const parsed = schema.safeParse(filter);
  if (!parsed.success) throw new InvalidData('filter', issuesOf(parsed.error, 'filter'));
  const { type: wanted } = parsed.data;
  const byType = new Map<string, [string, number][]>();
  for (const { type, state, jobs } of await store.readCounts()) {
    if (wanted !== undefined && type !== wanted) continue;
    byType.set(type, [...(byType.get(type) ?? []), [state, jobs]]);
  }
  const sorted = [...byType].sort(byName).map(([type, states]) => {
    return [type, Object.fromEntries(states.sort(byName))] as const;
  });
  return Object.fromEntries(sorted);
}

const byName = ([one]: readonly [string, unknown], [other]: readonly [string, unknown]): number =>
  one < other ? -1 : 1;
