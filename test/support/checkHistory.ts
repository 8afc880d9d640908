import { isDeepStrictEqual } from 'node:util';
import { pipelineJob } from '../../machines/index.ts';
import { foldCommit, snapshotOf, toJobDocument, type LiveJob } from '../../src/jobs/liveJob.ts';
import type { MachineDefinition } from '../../src/machine/define.ts';
import { createRegistry, type Registry } from '../../src/machine/registry.ts';
import { replay } from '../../src/machine/replay.ts';
import { entryHash, firstHash } from '../../src/store/hashChain.ts';
import { lastSeq, type Commit, type StoredEntry } from '../../src/store/store.ts';
import type { RawDatabase } from './rawDatabase.ts';

/** One request under an idempotency key, as its client knows it. */
export interface LoggedRequest {
  readonly job: string;
  readonly key: string;
  readonly names: readonly string[];
  readonly outcome: 'acknowledged' | 'refused' | 'unknown';
  /** Asked more than once, as an answer was lost: then only the last outcome is known. */
  readonly isRepeated?: boolean;
}

export interface CheckOptions {
  readonly machines?: readonly MachineDefinition[];
  readonly log?: readonly LoggedRequest[];
}

/** An entry with its place, and the commit it stands in. */
interface Placed {
  readonly seq: number;
  readonly entry: StoredEntry;
  readonly commit: Commit;
}

/**
 * Looks for anything that the promises rule out: gaps and repeats in the count, a broken hash chain, an
 * entry that the machine would not have taken, a projection that is not what the log comes to, effects
 * left undone, a removal left half-way, counts that the log does not come to, acknowledged requests that are missing or there twice, refused
 * ones that are there at all. An empty list is a clean bill.
 */
export function checkHistory(database: RawDatabase, options: CheckOptions = {}): string[] {
  const registry = createRegistry([pipelineJob, ...(options.machines ?? [])], engineEffects);
  const jobs = new Map<string, Commit[]>();
  for (const commit of database.commits) {
    jobs.set(commit.job, [...(jobs.get(commit.job) ?? []), commit]);
  }
  const problems: string[] = [];
  for (const [job, commits] of jobs) {
    const say = (problem: string): number => problems.push(`${job}: ${problem}`);
    const placed = commits.flatMap(place);
    checkCount(commits, say);
    checkEntries(placed, say);
    checkReplay(registry, placed, say);
    checkEffects(database, placed, say);
    const live = commits.reduce<LiveJob | null>(
      (current, commit) => foldCommit(registry, current, commit),
      null,
    );
    if (live?.removed) checkRemoval(database, live, placed, say);
    else if (live) checkProjection(registry, database, live, say);
  }
  for (const id of database.jobs.keys()) {
    if (!jobs.has(id)) problems.push(`${id}: a projection without a log`);
  }
  return [...problems, ...checkCounts(database), ...checkLog(database, options.log ?? [])];
}

const engineEffects = new Set(['clearArchive', 'sendReady']);

type Say = (problem: string) => unknown;

const place = (commit: Commit): Placed[] =>
  commit.entries.map((entry, index) => ({ seq: commit.seq + index, entry, commit }));

function checkCount(commits: readonly Commit[], say: Say): void {
  let next = 1;
  let at = 0;
  for (const commit of commits) {
    if (commit.seq !== next) say(`commit ${commit.seq} stands where ${next} should`);
    if (commit.entries.length === 0) say(`commit ${commit.seq} is empty`);
    if (commit.at.getTime() < at) say(`commit ${commit.seq} is older than the one before`);
    next = lastSeq(commit) + 1;
    at = commit.at.getTime();
    for (const [index, { key, keyCount = 0 }] of commit.entries.entries()) {
      if (key !== undefined && index + keyCount > commit.entries.length)
        say(`the chain under ${key} is cut off by the end of its commit`);
    }
  }
}

/** The hash chain, the states' continuity, and that nothing but a set-up follows a removal. */
function checkEntries(placed: readonly Placed[], say: Say): void {
  let previous = firstHash;
  let state: string | null = null;
  for (const { seq, entry, commit } of placed) {
    const { hash, ...unhashed } = entry;
    if (entryHash(previous, commit, seq, unhashed) !== hash) say(`entry ${seq} breaks the chain`);
    const isFirst = entry.operation === 'create';
    if (isFirst !== (state === null)) say(`entry ${seq} (${entry.name}) is out of its life`);
    if (entry.from !== state) say(`entry ${seq} comes from ${entry.from}, not ${state}`);
    if ((entry.to === null) !== (entry.operation === 'remove')) say(`entry ${seq} leads nowhere`);
    if (isFirst && !commit.setup) say(`entry ${seq} has no set-up`);
    previous = hash;
    state = entry.to;
  }
}

/** Each life through its machine; one whose data a deletion has taken out shows its states alone. */
function checkReplay(registry: Registry, placed: readonly Placed[], say: Say): void {
  for (const life of lives(placed)) {
    const [first] = life;
    const machine = first && registry.find(first.commit.type, first.commit.typeVersion);
    if (!machine) return void say('of a machine that nobody knows');
    if (life.some(({ entry }) => entry.dataDigest !== undefined)) continue;
    const entries = life.map(({ entry, commit }) => ({ ...entry, at: commit.at }));
    const replayed = replay(machine, entries);
    if (!replayed.ok)
      say(`entry ${first.seq + replayed.index} does not replay: ${replayed.reason}`);
  }
}

function lives(placed: readonly Placed[]): Placed[][] {
  const all: Placed[][] = [];
  for (const each of placed) {
    if (each.entry.operation === 'create') all.push([]);
    all.at(-1)?.push(each);
  }
  return all;
}

function checkEffects({ effects }: RawDatabase, placed: readonly Placed[], say: Say): void {
  for (const { seq, entry, commit } of placed) {
    for (const [index, { type }] of (entry.effects ?? []).entries()) {
      const effect = effects.get(`${commit.job}:${seq}:${index}`);
      if (!effect) say(`effect ${type} of entry ${seq} was forgotten`);
      else if (effect.status !== 'done')
        say(`effect ${type} of entry ${seq} is ${effect.status} (${effect.error ?? 'no error'})`);
    }
  }
}

function checkProjection(registry: Registry, { jobs }: RawDatabase, live: LiveJob, say: Say): void {
  const found = jobs.get(live.id);
  if (!found) return void say('has no projection');
  const snapshot = snapshotOf(live);
  if (!snapshot) return void say('the log does not lead to a snapshot');
  const expected = toJobDocument(registry, live, snapshot);
  for (const field of Object.keys(expected) as (keyof typeof expected)[]) {
    if (!isDeepStrictEqual(plain(found[field]), plain(expected[field])))
      say(`projected ${field} is ${json(found[field])}, the log says ${json(expected[field])}`);
  }
  const extra = Object.keys(found).filter((field) => !Object.hasOwn(expected, field));
  if (extra.length > 0) say(`the projection has ${extra.join(', ')} beside`);
}

const json = (value: unknown): string => JSON.stringify(value)?.slice(0, 200) ?? 'absent';
const plain = (value: unknown): unknown =>
  value === undefined ? value : (JSON.parse(JSON.stringify(value)) as unknown);

function checkRemoval(
  { jobs, removed, linked }: RawDatabase,
  live: LiveJob,
  placed: readonly Placed[],
  say: Say,
): void {
  if (jobs.has(live.id)) say('is removed and still projected');
  if ((removed.get(live.id) ?? 0) < live.seq) say('its removal is not finished');
  const link = linked.get(live.id);
  if (link !== undefined) say(`is removed and still linked from ${link}`);
  // Why a life ended is kept, as is the tombstone.
  const readable = placed.filter(
    ({ seq, entry }) => seq < live.seq && entry.data !== null && entry.operation !== 'remove',
  );
  if (readable.length > 0) say(`is removed and entry ${readable[0]?.seq} still has its data`);
}

/** The jobs that live at the end of the log, by machine and state, against what was counted as it grew. */
function checkCounts({ commits, counts }: RawDatabase): string[] {
  if (!counts) return [];
  const heads = new Map(commits.map((commit) => [commit.job, commit]));
  const expected = new Map<string, number>();
  for (const { type, entries } of heads.values()) {
    const state = entries.at(-1)?.to ?? null;
    if (state === null) continue;
    const place = `${type} in ${state}`;
    expected.set(place, (expected.get(place) ?? 0) + 1);
  }
  const found = new Map(counts.map(({ type, state, jobs }) => [`${type} in ${state}`, jobs]));
  return [...new Set([...expected.keys(), ...found.keys()])].flatMap((place) => {
    const [right = 0, counted = 0] = [expected.get(place), found.get(place)];
    return right === counted ? [] : [`${place}: ${counted} jobs are counted, there are ${right}`];
  });
}

interface Occurrence {
  readonly names: readonly string[];
  /** Which life of the job it is in, from 1; keys are forgotten with the life that they were used in. */
  readonly life: number;
}

function occurrences(commits: readonly Commit[]): Map<string, Occurrence[]> {
  const found = new Map<string, Occurrence[]>();
  const lifeOf = new Map<string, number>();
  for (const { job, entries } of commits) {
    for (const [index, { key, keyCount = 1, operation }] of entries.entries()) {
      if (operation === 'create') lifeOf.set(job, (lifeOf.get(job) ?? 0) + 1);
      if (key === undefined) continue;
      const names = entries.slice(index, index + keyCount).map(({ name }) => name);
      const id = `${job} ${key}`;
      found.set(id, [...(found.get(id) ?? []), { names, life: lifeOf.get(job) ?? 0 }]);
    }
  }
  return found;
}

function checkLog({ commits, removed }: RawDatabase, log: readonly LoggedRequest[]): string[] {
  const found = occurrences(commits);
  return log.flatMap(({ job, key, names, outcome, isRepeated = false }) => {
    const times = found.get(`${job} ${key}`) ?? [];
    const say = (problem: string): string[] => [`${job}: request ${key} ${problem}`];
    if (new Set(times.map(({ life }) => life)).size < times.length)
      return say(`is there ${times.length} times`);
    if (outcome === 'acknowledged' && times.length === 0)
      return say('was acknowledged and is lost');
    // Where a removal has come between, the repeat of what was written is refused.
    const mayBeThere = isRepeated && removed.has(job);
    if (outcome === 'refused' && times.length > 0 && !mayBeThere)
      return say('was refused and is there');
    const other = times.find((each) => !isDeepStrictEqual(each.names, names));
    return other ? say(`is there as ${other.names.join(', ')}, not ${names.join(', ')}`) : [];
  });
}
