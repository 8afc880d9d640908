import type { JobDocument, JobFilter, Page, Projected } from '../store.ts';
import { linkFields } from '../store.ts';

/** What the log comes to, one document a live job. It only moves forward. */
export function createProjection() {
  const jobs = new Map<string, JobDocument>();
  /** Job → seq at which its last finished life ended; no document up to there comes back. */
  const ended = new Map<string, number>();
  const seqOf = (id: string): number => Math.max(jobs.get(id)?.seq ?? 0, ended.get(id) ?? 0);
  const matching = (filter: JobFilter): JobDocument[] =>
    [...jobs.values()].filter((job) => fits(job, filter));

  return {
    read: (id: string): JobDocument | null => jobs.get(id) ?? null,

    seqOf,

    readProjected: (ids: readonly string[]): ReadonlyMap<string, Projected> =>
      new Map(
        ids.flatMap((id) => {
          const [seq, document] = [seqOf(id), jobs.get(id)];
          return seq === 0 ? [] : [[id, { seq, ...(document && { document }) }]];
        }),
      ),

    advance: (documents: readonly JobDocument[]): void => {
      for (const document of documents) {
        if (document.seq > seqOf(document.id)) jobs.set(document.id, document);
      }
    },

    list: (filter: JobFilter, { limit, after, oldestFirst = false }: Page): JobDocument[] => {
      const order = (one: Place, other: Place): number =>
        oldestFirst ? newestFirst(other, one) : newestFirst(one, other);
      return matching(filter)
        .filter((job) => after === undefined || order(after, job) < 0)
        .sort(order)
        .slice(0, limit);
    },

    count: (filter: JobFilter): number => matching(filter).length,

    all: ({ job }: { job?: string } = {}): readonly JobDocument[] => {
      const ids = job === undefined ? [...jobs.keys()].sort() : [job];
      return ids.flatMap((id) => jobs.get(id) ?? []);
    },

    dueTimers: (now: Date, limit: number): string[] =>
      [...jobs.values()]
        .flatMap(({ id, wakeAt }) => (wakeAt && wakeAt <= now ? [{ id, wakeAt }] : []))
        .sort((one, other) => one.wakeAt.getTime() - other.wakeAt.getTime())
        .map(({ id }) => id)
        .slice(0, limit),

    linkingTo: (id: string, limit: number): string[] =>
      [...jobs.values()]
        .filter(({ links }) => linkFields.some((field) => links[field]?.includes(id)))
        .map((job) => job.id)
        .slice(0, limit),

    remove: (id: string, seq: number): void => {
      ended.set(id, Math.max(seq, ended.get(id) ?? 0));
      if ((jobs.get(id)?.seq ?? Infinity) <= seq) jobs.delete(id);
    },
  };
}

const fits = ({ id, type, states, setup }: JobDocument, filter: JobFilter): boolean =>
  (filter.type === undefined || type === filter.type) &&
  (filter.state === undefined || states.includes(filter.state)) &&
  (filter.pipeline === undefined || setup.pipeline === filter.pipeline) &&
  (filter.tag === undefined || setup.tags.includes(filter.tag)) &&
  (filter.q === undefined ||
    [id, setup.pipeline, setup.session, setup.agent, setup.task, ...setup.tags].includes(filter.q));

type Place = NonNullable<Page['after']>;

const newestFirst = (one: Place, other: Place): number =>
  other.createdAt.getTime() - one.createdAt.getTime() ||
  (one.id < other.id ? 1 : one.id > other.id ? -1 : 0);
