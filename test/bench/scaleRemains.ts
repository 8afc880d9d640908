import type { OpenPlace } from './processesParts.ts';

/** What a process that was killed has left in the database, read past the engine. */
export interface Remains {
  /** How many of its jobs have a projection that is behind their log. */
  unprojected(): Promise<number>;
  /** Whether the database still lists it as a process. */
  isKnown(): Promise<boolean>;
}

interface Beat {
  readonly _id: string;
  readonly projectedUntil: Date;
}
interface Last {
  readonly _id: string;
  readonly seq: number;
}

export async function lookAtDead({ db }: OpenPlace, dead: string): Promise<Remains> {
  const processes = db.collection<Beat>('processes');
  const beat = await processes.findOne({ _id: dead });
  if (!beat) throw new Error(`process ${dead} has left no word of itself`);
  const since = beat.projectedUntil;
  return {
    async unprojected() {
      // Asked for anew each time: what was on its way when it died may have come in since.
      const last = await db
        .collection('commits')
        .aggregate<Last>([
          { $match: { process: dead, at: { $gte: since } } },
          {
            $group: {
              _id: '$_id.job',
              seq: { $max: { $add: ['$_id.seq', { $size: '$entries' }, -1] } },
            },
          },
        ])
        .toArray();
      const jobs = await db
        .collection<Last>('jobs')
        .find({ _id: { $in: last.map(({ _id }) => _id) } }, { projection: { seq: 1 } })
        .toArray();
      const projected = new Map(jobs.map(({ _id, seq }) => [_id, seq]));
      return last.filter(({ _id, seq }) => (projected.get(_id) ?? 0) < seq).length;
    },
    isKnown: async () => (await processes.countDocuments({ _id: dead }, { limit: 1 })) > 0,
  };
}
