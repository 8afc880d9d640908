import type { Principal } from '../auth/authorise.ts';
import type { Engine } from '../jobs/engine.ts';
import type { LiveJob } from '../jobs/liveJob.ts';
import { foldOnto, loadJob } from '../jobs/loadJob.ts';
import { takeEvent } from '../jobs/parseEvent.ts';
import type { Demand, Request } from '../jobs/request.ts';
import type { RegisteredMachine } from '../machine/registry.ts';
import { isRestoring, type Asked } from './bulkRequest.ts';
import type { Family } from './family.ts';

/** Asks something of one job; resolves to the job after it. */
export type Send = (jobId: string, request: Request) => Promise<LiveJob>;

/** An operation under way: on whose behalf, how far, and by what. */
export interface Work {
  readonly engine: Engine;
  readonly principal: Principal;
  readonly asked: Pick<Asked, 'op' | 'data' | 'reason' | 'isHard'>;
  /** Id of the run; a dry run has none. */
  readonly run: string;
  readonly send: Send;
  /** Requested id → its first index. */
  readonly indices: ReadonlyMap<string, number>;
  readonly family: Family;
  /** Jobs that it has deleted for good. */
  readonly gone: Set<string>;
  /** What a job of this machine is asked. */
  demandFor(machine: RegisteredMachine | undefined): Demand;
}

/** Who has to come before whom: parents before children, or the other way round where something is restored. */
export const orderOf = ({ asked, family }: Work): Family['parents'] =>
  isRestoring(asked.op) ? family.children : family.parents;

export function createWork(given: Omit<Work, 'gone' | 'demandFor'>): Work {
  const known = new Map<RegisteredMachine | undefined, Demand>();
  return {
    ...given,
    gone: new Set(),
    demandFor(machine) {
      let demand = known.get(machine);
      if (!demand) {
        demand = demandOf(given, machine);
        known.set(machine, demand);
      }
      return demand;
    },
  };
}

/** The event with the reason and the run in its data, as far as the machine's schema takes them. */
function demandOf(
  { engine, asked: { op, data, reason, isHard }, run }: Pick<Work, 'engine' | 'asked' | 'run'>,
  machine: RegisteredMachine | undefined,
): Demand {
  const why = reason === undefined ? {} : { reason };
  const mark = { bulk: run };
  if (isHard) {
    const { json } = takeEvent({ name: 'delete', data: { ...why, ...mark } }, engine.jsonLimits);
    return { kind: 'remove', name: 'delete', json };
  }
  const schema = machine?.definition.events[machine.eventNames.get(op.toLowerCase()) ?? ''];
  const fullest = { ...data, ...why, ...mark };
  const narrower = [fullest, { ...data, ...why }, { ...data, ...mark }, data ?? undefined];
  const taken = narrower.find((each) => schema?.safeParse(each).success);
  return {
    kind: 'events',
    events: [takeEvent({ name: op, data: taken ?? data ?? undefined }, engine.jsonLimits)],
  };
}

/**
 * These jobs, most of them read in one go, and put at hand for what comes next; null where there never was
 * one. One that another process has changed since does no harm: it is read again where that matters.
 */
export async function bringToHand(
  engine: Engine,
  ids: readonly string[],
): Promise<ReadonlyMap<string, LiveJob | null>> {
  const { store, live, registry } = engine;
  const jobs = new Map<string, LiveJob | null>();
  const missing: string[] = [];
  for (const id of ids) {
    const job = live.peek(id);
    if (job) jobs.set(id, job);
    else missing.push(id);
  }
  if (missing.length === 0) return jobs;
  const projected = await store.readProjected(missing);
  await Promise.all(
    missing.map(async (id) => {
      const document = projected.get(id)?.document;
      const job =
        (document && foldOnto(registry, document, [])) ?? (await findUnlisted(engine, id));
      if (job) live.put(job);
      jobs.set(id, job);
    }),
  );
  return jobs;
}

/** Mostly there is none; else it is so new that nothing lists it yet, or gone. */
const findUnlisted = async (engine: Engine, id: string): Promise<LiveJob | null> =>
  (await engine.store.readHead(id)) ? loadJob(engine, id) : null;
