import type { ChildCount, Relative } from '../relationStore.ts';
import type { JobDocument } from '../store.ts';

/** Parents and children, as the projection has them. */
export function createRelations(all: () => readonly JobDocument[]) {
  const childrenOf = (parents: readonly string[]): Relative[] => {
    const wanted = new Set(parents);
    return all()
      .filter(({ links }) => links.child_of?.some((id) => wanted.has(id)))
      .map(toRelative);
  };
  return {
    read: (ids: readonly string[]): Relative[] => {
      const wanted = new Set(ids);
      return all()
        .filter(({ id }) => wanted.has(id))
        .map(toRelative);
    },

    childrenOf,

    page: (
      parent: string,
      { limit, after = '' }: { limit: number; after?: string | undefined },
    ): Relative[] =>
      childrenOf([parent])
        .filter(({ id }) => id > after)
        .sort((one, other) => (one.id < other.id ? -1 : 1))
        .slice(0, limit),

    count: (parent: string): ChildCount[] => {
      const counts = new Map<string, ChildCount>();
      for (const { type, state } of childrenOf([parent])) {
        const key = JSON.stringify([type, state]);
        counts.set(key, { type, state, children: (counts.get(key)?.children ?? 0) + 1 });
      }
      return [...counts.values()];
    },

    hasOutside: (parent: string, states: Readonly<Record<string, readonly string[]>>): boolean =>
      childrenOf([parent]).some(
        ({ type, state }) => Object.hasOwn(states, type) && !states[type]?.includes(state),
      ),
  };
}

const toRelative = ({ id, type, state, links }: JobDocument): Relative => ({
  id,
  type,
  state,
  parents: links.child_of ?? [],
});
