import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { AppendOutcome, Commit, Store } from '../../../src/store/store.ts';
import { lastSeq } from '../../../src/store/store.ts';
import { buildCommit, buildEntry, newJobId } from './builders.ts';
import { type MakeStore, useSharedStore } from './useStore.ts';

interface Attempt {
  readonly entries: number;
  readonly key: string | null;
  /** Turns of the microtask queue between reading the head and appending. */
  readonly pause: number;
}

const attempts: fc.Arbitrary<Attempt> = fc.record({
  entries: fc.integer({ min: 1, max: 3 }),
  key: fc.constantFrom(null, null, 'a', 'b', 'c'),
  pause: fc.nat({ max: 5 }),
});
const writers = fc.array(fc.array(attempts, { minLength: 1, maxLength: 4 }), {
  minLength: 2,
  maxLength: 4,
});

/** Appending, however several writers that each append after the head they read come between each other. */
export function describeAppendProperty(makeStore: MakeStore): void {
  describe('append by several writers', () => {
    const store = useSharedStore(makeStore);

    it('leaves a log without gaps that holds exactly what was said to be appended', async () => {
      const holds = async (plans: Attempt[][]): Promise<void> => {
        const job = newJobId();
        const made = await Promise.all(
          plans.map((plan, writer) => write(store(), job, `writer-${writer}`, plan)),
        );
        expectFaithful(await store().readCommits(job, 1), made.flat());
      };
      await fc.assert(fc.asyncProperty(writers, holds), { numRuns: 60 });
    });
  });
}

interface Made {
  readonly commit: Commit;
  readonly outcome: AppendOutcome;
}

async function write(
  store: Store,
  job: string,
  process: string,
  plan: readonly Attempt[],
): Promise<Made[]> {
  const made: Made[] = [];
  for (const { entries, key, pause } of plan) {
    const head = await store.readHead(job);
    for (let turn = 0; turn < pause; turn += 1) await Promise.resolve();
    const commit = buildCommit({
      job,
      process,
      seq: head ? lastSeq(head) + 1 : 1,
      entries: Array.from({ length: entries }, (_, index) =>
        buildEntry(key !== null && index === 0 ? { key, keyCount: entries } : {}),
      ),
    });
    made.push({ commit, outcome: await store.append(commit) });
  }
  return made;
}

function expectFaithful(log: readonly Commit[], made: readonly Made[]): void {
  const having = (wanted: AppendOutcome): Commit[] =>
    made.flatMap(({ commit, outcome }) => (outcome === wanted ? [commit] : []));
  const bySeq = (one: Commit, other: Commit): number => one.seq - other.seq;
  expect(log).toEqual(having('appended').sort(bySeq));
  const expectedSeqs = log.map((_, index) => {
    const before = log[index - 1];
    return before ? lastSeq(before) + 1 : 1;
  });
  expect(log.map(({ seq }) => seq)).toEqual(expectedSeqs);
  const keys = log.flatMap(keysOf);
  expect(new Set(keys).size).toBe(keys.length);
  for (const repeat of having('repeated')) expect(keys).toContain(keysOf(repeat)[0]);
  const seqs = log.map(({ seq }) => seq);
  for (const loser of having('conflict')) expect(seqs).toContain(loser.seq);
}

const keysOf = ({ entries }: Commit): string[] => entries.flatMap(({ key }) => key ?? []);
