import { hash } from 'node:crypto';
import type { Principal } from '../auth/authorise.ts';
import { StoreUnavailable } from '../errors.ts';
import type { Engine } from '../jobs/engine.ts';
import type { LiveJob } from '../jobs/liveJob.ts';
import { mergeData } from '../jobs/mergeData.ts';
import { setupMany, type SetupOutcome } from '../jobs/setupMany.ts';
import type { DatasetDocument, DatasetEntry } from '../store/datasetStore.ts';
import { findDataset } from './datasetCare.ts';
import {
  pairCursor,
  parseGiven,
  readPairCursor,
  submitSchema,
  type Pair,
  type SubmitOptions,
} from './datasetInput.ts';
import { checkNames } from './datasetItems.ts';

/** What became of the pairs that were looked at. */
export interface Submitted {
  /** Records that are new. */
  readonly submitted: number;
  /** Records that were there, of this dataset or not, and are tied to their pairs now. */
  readonly existing: number;
  /** Of those, how many were found cancelled, deleted or invalid: left so, or brought back. */
  readonly kept: number;
  readonly restored: number;
  /** Pairs that had their records before. */
  readonly already: number;
  readonly refused: readonly RefusedPair[];
  /** Where to go on, if a limit ended this before all pairs were looked at. */
  readonly next?: string;
}

export interface RefusedPair extends Pair {
  readonly code: string;
  readonly message: string;
}

/** Pairs set up at a time. */
const atATime = 1_000;

type Options = ReturnType<typeof readOptions>;
type Tally = { -readonly [Key in keyof Submitted]: Submitted[Key] } & { refused: RefusedPair[] };

/** Sets up what has no record yet, and ties it; see Datasets.submit. */
export async function submitDataset(
  engine: Engine,
  principal: Principal,
  name: string,
  given: SubmitOptions,
): Promise<Submitted> {
  const options = readOptions(given);
  const dataset = await findDataset(engine, name);
  await checkNames(engine, dataset, options);
  const tally: Tally = {
    ...{ submitted: 0, existing: 0, kept: 0, restored: 0, already: 0 },
    refused: [],
  };
  let left = options.limit;
  for await (const { specification, entries } of chunksOf(engine, dataset, options)) {
    const taken = entries.slice(0, left);
    await submitChunk(
      engine,
      principal,
      { dataset, specification, entries: taken },
      options,
      tally,
    );
    left -= taken.length;
    const last = taken.at(-1);
    if (left > 0 || !last) continue;
    return { ...tally, next: pairCursor({ specification, entry: last.name }) };
  }
  return tally;
}

function readOptions(given: SubmitOptions) {
  const options = parseGiven(submitSchema, given, 'submit');
  const { entries, specifications, tag, priority, limit = Infinity, cursor } = options;
  return {
    ...options,
    limit,
    entries: entries && [...new Set(entries)].sort(),
    specifications: specifications && [...new Set(specifications)],
    after: readPairCursor(cursor),
    wish: { ...(tag !== undefined && { tag }), ...(priority !== undefined && { priority }) },
  };
}

interface PairChunk {
  readonly dataset: DatasetDocument;
  readonly specification: string;
  readonly entries: readonly DatasetEntry[];
}

/** All pairs, by specification, then entry; from after the place where the call before has ended. */
async function* chunksOf(
  { store }: Engine,
  dataset: DatasetDocument,
  { entries: names, specifications, after: start }: Options,
): AsyncGenerator<Omit<PairChunk, 'dataset'>> {
  const all = (specifications ?? Object.keys(dataset.specifications)).toSorted();
  for (const specification of all) {
    if (start && specification < start.specification) continue;
    let after = start?.specification === specification ? start.entry : undefined;
    for (;;) {
      const entries = await store.listEntries(dataset.name, { limit: atATime, after, names });
      if (entries.length > 0) yield { specification, entries };
      after = entries.at(-1)?.name;
      if (entries.length < atATime) break;
    }
  }
}

async function submitChunk(
  engine: Engine,
  principal: Principal,
  { dataset, specification, entries }: PairChunk,
  { wish, findExisting, stopped }: Options,
  tally: Tally,
): Promise<void> {
  const tied = await engine.store.listItems(dataset.name, {
    limit: entries.length,
    entries: entries.map(({ name }) => name),
    specifications: [specification],
  });
  const known = new Set(tied.map(({ entry }) => entry));
  tally.already += known.size;
  const open = entries.filter(({ name }) => !known.has(name));
  if (open.length === 0) return;
  const base = mergeData(defaultsOf(dataset), dataset.specifications[specification] ?? {});
  const outcomes = await setupMany(
    engine,
    principal,
    dataset.type,
    open.map(({ data }) => ({ data: mergeData(mergeData(base, data), wish) })),
    {
      findExisting,
      stopped,
      // What a call created that was cut off before it could tie it is found again.
      key: findExisting === false ? keyOf(dataset, specification, open) : undefined,
    },
  );
  const pairs = open.map(({ name }) => ({ specification, entry: name }));
  await tie(engine, dataset, pairs, outcomes);
  for (const outcome of outcomes) count(tally, pairs[outcome.index], outcome);
}

async function tie(
  { store }: Engine,
  { name }: DatasetDocument,
  pairs: readonly Pair[],
  outcomes: readonly SetupOutcome<LiveJob>[],
): Promise<void> {
  const items = outcomes.flatMap((each) => {
    const pair = pairs[each.index];
    return each.outcome === 'refused' || !pair ? [] : [{ ...pair, job: each.job.id }];
  });
  await store.addItems(name, items);
  // Whether those exist nobody knows: the call is to be repeated.
  for (const each of outcomes) {
    if (each.outcome === 'refused' && each.error instanceof StoreUnavailable) throw each.error;
  }
}

function count(tally: Tally, pair: Pair | undefined, each: SetupOutcome<LiveJob>): void {
  if (each.outcome === 'refused') {
    const { code, message } = each.error;
    if (pair) tally.refused.push({ ...pair, code, message });
    return;
  }
  if (each.outcome === 'created') tally.submitted += 1;
  else tally.existing += 1;
  if (each.outcome === 'existing' && each.stopped) tally[each.stopped] += 1;
}

const defaultsOf = ({ tag, priority }: DatasetDocument): Record<string, unknown> => ({
  ...(tag !== undefined && { tag }),
  ...(priority !== undefined && { priority }),
});

/** The same where the same pairs of the same dataset are tried again. */
function keyOf(
  { name, createdAt }: DatasetDocument,
  specification: string,
  entries: readonly DatasetEntry[],
): string {
  const names = entries.map((entry) => entry.name);
  return hash('sha256', JSON.stringify([name, createdAt, specification, names]));
}
