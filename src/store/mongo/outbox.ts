import type { Filter } from 'mongodb';
import type { EffectClaim, EffectStatus, EffectTask } from '../store.ts';
import type { Collections, EffectRecord } from './collections.ts';

const notDone = { $in: ['due', 'parked'] satisfies EffectStatus[] };
const inOrder = { job: 1, seq: 1, index: 1 } as const;

/** The effects on their way; see Store. */
export function createOutbox({ effects }: Collections) {
  /** Only a job's first effect may run: the others wait for it, whatever their own times are. */
  const claimFirst = async (
    job: string,
    free: Filter<EffectRecord>,
    lease: { owner: string; leaseUntil: Date },
    accepts: Accepts,
  ): Promise<EffectTask | null> => {
    const first = await effects.find({ job, status: 'due' }).sort(inOrder).limit(1).next();
    if (!first || !accepts(first)) return null;
    const record = await effects.findOneAndUpdate(
      { ...free, _id: first._id },
      { $set: lease, $inc: { attempts: 1 } },
      { returnDocument: 'after' },
    );
    return record && toTask(record);
  };

  const done = (now: Date) => ({
    $set: { status: 'done' as const, doneAt: now },
    $unset: { error: 1 as const },
  });

  return {
    async claimEffects({
      owner,
      now,
      leaseUntil,
      limit,
      job,
      accepts = acceptAll,
    }: EffectClaim): Promise<EffectTask[]> {
      const free = {
        status: 'due' as const,
        dueAt: { $lte: now },
        leaseUntil: { $lte: now },
        ...(job !== undefined && { job }),
      };
      const claimed: EffectTask[] = [];
      const seen = new Set<string>();
      for await (const candidate of effects.find(free).sort({ dueAt: 1, seq: 1, index: 1 })) {
        if (claimed.length === limit) break;
        if (seen.has(candidate.job) || !accepts(candidate)) continue;
        seen.add(candidate.job);
        const task = await claimFirst(candidate.job, free, { owner, leaseUntil }, accepts);
        if (task) claimed.push(task);
      }
      return claimed;
    },

    async pendingEffects(job: string): Promise<EffectTask[]> {
      return (await effects.find({ job, status: notDone }).sort(inOrder).toArray()).map(toTask);
    },

    async completeEffect(id: string, owner: string, now: Date): Promise<void> {
      await effects.updateOne({ _id: id, owner, status: 'due' }, done(now));
    },

    async failEffect(id: string, owner: string, error: string, dueAt: Date | null): Promise<void> {
      const change = dueAt
        ? { status: 'due' as const, dueAt, error, leaseUntil: new Date(0) }
        : { status: 'parked' as const, error, leaseUntil: new Date(0) };
      await effects.updateOne(
        { _id: id, owner, status: 'due' },
        { $set: change, $unset: { owner: 1 } },
      );
    },

    async reviveEffect(id: string, now: Date): Promise<boolean> {
      const { matchedCount } = await effects.updateOne(
        { _id: id, status: notDone, leaseUntil: { $lte: now } },
        { $set: { status: 'due', dueAt: now, attempts: 0 }, $unset: { error: 1 } },
      );
      return matchedCount === 1;
    },

    async releaseEffects(owner: string): Promise<void> {
      await effects.updateMany(
        { owner, status: 'due' },
        { $set: { leaseUntil: new Date(0) }, $unset: { owner: 1 } },
      );
    },

    async dropEffects(job: string, seq: number, now: Date): Promise<void> {
      await effects.updateMany({ job, seq: { $lte: seq }, status: notDone }, done(now));
    },

    async *scanEffects(filter: { status?: EffectStatus; job?: string }): AsyncIterable<EffectTask> {
      const cursor = effects.find(filter).sort(inOrder);
      for await (const record of cursor) yield toTask(record);
    },

    async countEffects(): Promise<{ due: number; parked: number }> {
      const counts = await effects
        .aggregate<{ _id: EffectStatus; count: number }>([
          { $match: { status: notDone } },
          { $group: { _id: '$status', count: { $sum: 1 } } },
        ])
        .toArray();
      const countOf = (status: EffectStatus) =>
        counts.find(({ _id }) => _id === status)?.count ?? 0;
      return { due: countOf('due'), parked: countOf('parked') };
    },
  };
}

type Accepts = NonNullable<EffectClaim['accepts']>;
const acceptAll: Accepts = () => true;

const toTask = ({
  _id,
  owner: _owner,
  leaseUntil: _lease,
  doneAt: _doneAt,
  ...rest
}: EffectRecord): EffectTask => ({
  id: _id,
  ...rest,
});
