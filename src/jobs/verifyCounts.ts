import { setTimeout as delay } from 'node:timers/promises';
import type { Commit, CountMark, StateCount, Store } from '../store/store.ts';
import { countedBy, isMoving, moveOf, type Move } from './countMoves.ts';
import type { Problem } from './verifyReport.ts';

type CountStore = Pick<Store, 'readCountedLog' | 'readBeats'>;

/** Compares the counts with what the log comes to, while everything may go on. */
export interface CountCheck {
  /** Takes in each commit of the log. */
  readonly take: (commit: Commit) => void;
  /** Once the log is read. What lags is given until the deadline, on the process's steady clock. */
  readonly end: (deadline: number) => Promise<Problem[]>;
}

const lookAgainMs = 200;

/**
 * Reads the counts at one moment, with the marks that tell which commits they stand on; the log, read
 * after that, is added up over these very commits. A process without a mark has counted nothing, unless
 * its mark is long gone, or its commits are older than the counts: then it has no beat either.
 */
export async function beginCountCheck(store: CountStore): Promise<CountCheck> {
  const begun = new Date();
  const beating = await readBeating(store);
  const { counts, marks } = await store.readCountedLog();
  const isCounted = new Map([...marks].map(([process, mark]) => [process, countedBy(mark)]));
  const expected = new Sums();
  const unmarked = new Map<string, Sums>();
  const late = new Map<string, number[]>();

  return {
    take(commit) {
      if (!Array.isArray(commit.entries)) return;
      const move = moveOf(commit);
      if (!isMoving(move)) return;
      const { process, nonce, at } = commit;
      const isMarked = isCounted.has(process);
      if (isCounted.get(process)?.(nonce)) return expected.add(move);
      if (isMarked || beating.has(process)) {
        if (at <= begun) addTo(late, process, nonce);
        return;
      }
      const sums = unmarked.get(process) ?? new Sums();
      sums.add(move);
      unmarked.set(process, sums);
    },

    async end(deadline) {
      const alive = await readBeating(store);
      const { marks: marksNow } = await store.readCountedLog();
      for (const [process, sums] of unmarked) {
        // One that has begun since has counted nothing at that moment.
        if (!alive.has(process) && !marksNow.has(process)) expected.addAll(sums);
      }
      const problems = expected.differences(counts);
      return problems.length > 0 ? problems : lateProblems(store, late, deadline);
    },
  };
}

const readBeating = async (store: CountStore): Promise<ReadonlySet<string>> =>
  new Set((await store.readBeats()).beats.map(({ process }) => process));

const addTo = (lists: Map<string, number[]>, process: string, nonce: number): void => {
  const list = lists.get(process);
  if (list) list.push(nonce);
  else lists.set(process, [nonce]);
};

/** How many jobs are in which state, by machine. */
class Sums {
  readonly #types = new Map<string, Map<string, number>>();

  add({ type, from, to }: Pick<Move, 'type' | 'from' | 'to'>): void {
    if (from !== null) this.#change(type, from, -1);
    if (to !== null) this.#change(type, to, 1);
  }

  addAll(other: Sums): void {
    for (const { type, state, jobs } of other.#list()) this.#change(type, state, jobs);
  }

  differences(counts: readonly StateCount[]): Problem[] {
    const counted = new Sums();
    for (const { type, state, jobs } of counts) counted.#change(type, state, jobs);
    const both = new Sums();
    both.addAll(this);
    both.addAll(counted);
    return both
      .#list()
      .map(({ type, state }) => ({ type, state, right: this.#of(type, state) }))
      .filter(({ type, state, right }) => right !== counted.#of(type, state))
      .map(({ type, state, right }) => {
        const found = counted.#of(type, state);
        return problem(`${type} in ${state}: ${found} jobs are counted, the log has ${right}`);
      });
  }

  #change(type: string, state: string, jobs: number): void {
    const states = this.#types.get(type) ?? new Map<string, number>();
    this.#types.set(type, states.set(state, (states.get(state) ?? 0) + jobs));
  }

  #of(type: string, state: string): number {
    return this.#types.get(type)?.get(state) ?? 0;
  }

  #list(): StateCount[] {
    return [...this.#types].flatMap(([type, states]) =>
      [...states].map(([state, jobs]) => ({ type, state, jobs })),
    );
  }
}

/** What was not counted at the beginning, and is still not at the deadline. */
async function lateProblems(
  store: CountStore,
  late: ReadonlyMap<string, readonly number[]>,
  deadline: number,
): Promise<Problem[]> {
  for (;;) {
    if (late.size === 0) return [];
    const { marks } = await store.readCountedLog();
    const left = [...late]
      .map(([process, nonces]) => ({ process, count: countLeft(marks.get(process), nonces) }))
      .filter(({ count }) => count > 0);
    if (left.length === 0) return [];
    if (performance.now() >= deadline) {
      return left.map(({ process, count }) =>
        problem(`${count} commits of the process ${process} are not counted`),
      );
    }
    await delay(lookAgainMs);
  }
}

function countLeft(mark: CountMark | undefined, nonces: readonly number[]): number {
  const isCounted = countedBy(mark ?? null);
  return nonces.filter((nonce) => !isCounted(nonce)).length;
}

const problem = (message: string): Problem => ({ job: '', check: 'counts', message });
