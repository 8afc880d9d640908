import { randomUUID } from 'node:crypto';
import type { LooseOutput } from '../outputStore.ts';

/** Outputs that are too large for an entry; see OutputStore. */
export function createOutputs() {
  const outputs = new Map<string, LooseOutput & { readonly content: Uint8Array }>();
  const loose = new Set<string>();

  return {
    put: (job: string, content: Uint8Array, storedAt: Date): string => {
      const id = randomUUID();
      outputs.set(id, { id, job, bytes: content.length, storedAt, content });
      loose.add(id);
      return id;
    },

    read: (job: string, id: string): Uint8Array | null => {
      const output = outputs.get(id);
      return output?.job === job ? output.content : null;
    },

    remove: (job: string, ids: readonly string[]): void => {
      for (const id of ids.filter((each) => outputs.get(each)?.job === job)) {
        outputs.delete(id);
        loose.delete(id);
      }
    },

    listLoose: (before: Date, limit: number): LooseOutput[] =>
      [...loose]
        .flatMap((id) => outputs.get(id) ?? [])
        .filter(({ storedAt }) => storedAt < before)
        .sort((one, other) => one.storedAt.getTime() - other.storedAt.getTime())
        .slice(0, limit)
        .map(({ id, job, bytes, storedAt }) => ({ id, job, bytes, storedAt })),

    keep: (ids: readonly string[]): void => {
      for (const id of ids) loose.delete(id);
    },
  };
}
