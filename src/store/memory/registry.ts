import type { Pipeline, ProcessBeat } from '../store.ts';

/** What is known by name beside the jobs: the processes that live, and the pipelines. */
export function createRegistry(now: () => Date) {
  const beats = new Map<string, ProcessBeat>();
  const pipelines = new Map<string, Pipeline>();

  return {
    beat: (process: string, projectedUntil: Date): void => {
      beats.set(process, { process, projectedUntil, beatAt: now() });
    },

    readBeats: (): { now: Date; beats: ProcessBeat[] } => ({
      now: now(),
      beats: [...beats.values()],
    }),

    forgetProcess: (process: string): void => {
      beats.delete(process);
    },

    putPipeline: (
      pipeline: Pick<Pipeline, 'id' | 'name' | 'description' | 'metadata'>,
      updatedAt: Date,
    ): Pipeline => {
      const { id, name, description, metadata } = pipeline;
      const createdAt = pipelines.get(id)?.createdAt ?? updatedAt;
      const stored = { id, name, description, metadata, createdAt, updatedAt };
      pipelines.set(id, stored);
      return stored;
    },

    getPipeline: (id: string): Pipeline | null => pipelines.get(id) ?? null,

    listPipelines: (): Pipeline[] =>
      [...pipelines.values()].sort((one, other) => (one.id < other.id ? -1 : 1)),
  };
}
