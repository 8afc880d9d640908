import type { Commit, CountMark, StateCount, Store } from '../store/store.ts';

/** How a commit moves its job: from null where it creates it, to null where it removes it. */
export interface Move {
  readonly nonce: number;
  readonly type: string;
  readonly from: string | null;
  readonly to: string | null;
}

export const moveOf = ({ nonce, type, entries }: Commit): Move => ({
  nonce,
  type,
  from: entries[0]?.from ?? null,
  to: entries.at(-1)?.to ?? null,
});

/** Whether it changes any count. */
export const isMoving = ({ from, to }: Move): boolean => from !== to;

/** Tells which of a process's commits a mark has. */
export function countedBy(mark: CountMark | null): (nonce: number) => boolean {
  if (!mark) return () => false;
  const { upTo } = mark;
  const beyond = new Set(mark.beyond);
  return (nonce) => nonce <= upTo || beyond.has(nonce);
}

export interface CountOptions {
  /** All commits of the process up to this nonce are among the moves, counted already, or never written. */
  readonly settledUpTo?: number;
  /** The mark as it was last seen; undefined where that is not known. */
  readonly mark?: CountMark | null | undefined;
}

/**
 * Counts those of a process's moves that are not counted yet, whoever else is at it: the process itself,
 * and any number of others that take it for gone. Resolves to the mark that has them all. Each move has a
 * nonce of its own; where several count, each adds only what the mark that it replaces has not.
 */
export async function countMoves(
  store: Pick<Store, 'count' | 'readCountMark'>,
  process: string,
  moves: readonly Move[],
  { settledUpTo = 0, mark }: CountOptions = {},
): Promise<CountMark | null> {
  let before = mark === undefined ? await store.readCountMark(process) : mark;
  for (;;) {
    const isCounted = countedBy(before);
    const open = moves.filter(({ nonce }) => !isCounted(nonce));
    if (open.length === 0) return before;
    const after = advance(before, open, settledUpTo);
    if (await store.count(process, after, changesOf(open))) return after;
    before = await store.readCountMark(process);
  }
}

function advance(before: CountMark | null, moves: readonly Move[], settledUpTo: number): CountMark {
  const upTo = Math.max(before?.upTo ?? 0, settledUpTo);
  const beyond = before?.beyond.filter((nonce) => nonce > upTo) ?? [];
  for (const { nonce } of moves) if (nonce > upTo) beyond.push(nonce);
  return { version: (before?.version ?? 0) + 1, upTo, beyond };
}

/** What moves come to. Many go the same way, so they are added up without a key of machine and state. */
function changesOf(moves: readonly Move[]): StateCount[] {
  const types = new Map<string, Map<string, number>>();
  for (const { type, from, to } of moves) {
    let states = types.get(type);
    if (!states) types.set(type, (states = new Map<string, number>()));
    if (from !== null) states.set(from, (states.get(from) ?? 0) - 1);
    if (to !== null) states.set(to, (states.get(to) ?? 0) + 1);
  }
  return [...types].flatMap(([type, states]) =>
    [...states].flatMap(([state, jobs]) => (jobs === 0 ? [] : [{ type, state, jobs }])),
  );
}
