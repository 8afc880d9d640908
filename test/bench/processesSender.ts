import { JobManager } from '../../src/jobs/jobManager.ts';
import { jobIdentity } from '../../src/jobs/jobIdentity.ts';
import { canonicalJson } from '../../src/machine/canonicalJson.ts';
import { timed } from './measure.ts';
import type { Abilities, Place } from './processesParts.ts';
import { scaleMachine } from './scalePlan.ts';
import { sendWithToken } from './sender.ts';

/** How a sender is told to work. */
export interface LifecycleOrder {
  readonly callers: number;
  readonly milliseconds: number;
  /** Only jobs whose id falls to this one of so many shards, by its hash. */
  readonly shard?: { readonly index: number; readonly of: number };
}
export interface HotOrder {
  readonly jobId: string;
  readonly token: string;
  readonly callers: number;
  readonly milliseconds: number;
  readonly most: number;
}

/** What came of it. */
export interface Done {
  /** Life cycles or events. */
  readonly count: number;
  readonly milliseconds: number;
  readonly latencies: readonly number[];
  /** Microseconds of this process. */
  readonly cpu: number;
  /** Commits that lost their place to another process. */
  readonly conflicts: number;
  /** Those whose outcome was not known at once, so that they were sent again. */
  readonly unknown: number;
}

export const pipeline = 'bench';

/** A manager on a place, as each process of a benchmark opens it: no directories, no log. */
export const openManager = (place: Place): Promise<JobManager> =>
  JobManager.open({
    mongodb: place.uri,
    database: place.database,
    secrets: place.secrets,
    home: place.home,
    machines: [scaleMachine],
    makeDirectories: false,
    logLevel: 'silent',
    // Events are sent by name here, so the type need not know the machine.
  }) as unknown as Promise<JobManager>;

/** The role of a process that sends. */
export function sender(): Abilities {
  let manager: JobManager | undefined;
  const opened = (): JobManager => {
    if (!manager) throw new Error('it is not open');
    return manager;
  };
  const close = async (): Promise<void> => {
    const closing = manager;
    manager = undefined;
    await closing?.close();
  };
  return {
    open: async (place: Place) => {
      manager = await openManager(place);
      await manager.pipelines.put(pipeline, { name: 'Benchmark' });
      return manager.engine.processId;
    },
    lifecycles: ({ callers, milliseconds, shard }: LifecycleOrder) =>
      work(opened(), { callers, milliseconds, most: Infinity }, lifecycle(opened(), shard)),
    hot: ({ jobId, token, ...load }: HotOrder) => {
      let sent = 0;
      return work(opened(), load, async (told) => {
        const key = `${process.pid}-${(sent += 1)}`;
        const data = { progress: sent, msg: 'half way' };
        told(
          await timed(() => sendWithToken(opened(), { jobId, token, name: 'update', data, key })),
        );
      });
    },
    close,
  };
}

interface Load {
  readonly callers: number;
  readonly milliseconds: number;
  readonly most: number;
}
type Work = (told: (milliseconds: number) => void) => Promise<void>;

async function work(
  manager: JobManager,
  { callers, milliseconds, most }: Load,
  piece: Work,
): Promise<Done> {
  const latencies: number[] = [];
  let conflicts = 0;
  let unknown = 0;
  let count = 0;
  const { telemetry } = manager.engine;
  const stops = [
    telemetry.on('commit.conflict', () => (conflicts += 1)),
    telemetry.on('commit.unknown', () => (unknown += 1)),
  ];
  const before = process.cpuUsage();
  const started = performance.now();
  const caller = async (): Promise<void> => {
    while (count < most && performance.now() - started < milliseconds) {
      count += 1;
      await piece((latency) => latencies.push(Math.round(latency * 1_000) / 1_000));
    }
  };
  await Promise.all(Array.from({ length: callers }, caller));
  await manager.engine.projector.flush();
  for (const stop of stops) stop();
  const { user, system } = process.cpuUsage(before);
  const took = performance.now() - started;
  return { count, milliseconds: took, latencies, cpu: user + system, conflicts, unknown };
}

let made = 0;

/** Data of a job that no other process makes; of the right shard, as far as that is asked for. */
function newData(shard: LifecycleOrder['shard']) {
  for (;;) {
    const parameters = { sample: `${process.pid}-${Date.now()}-${(made += 1)}`, threads: 8 };
    const data = { parameters, trim: true };
    if (!shard || shardOf(idOf(data), shard.of) === shard.index) return data;
  }
}

function idOf(data: Readonly<Record<string, unknown>>): string {
  const json = canonicalJson(data);
  if (!json.ok) throw new Error('the data is no JSON');
  return jobIdentity({ machine: 'pipelineJob', pipeline, parents: [], data: json.text });
}

/** An id is a digest itself, so its first digits are spread evenly. */
const shardOf = (id: string, shards: number): number => parseInt(id.slice(0, 8), 16) % shards;

/** Set-up, run and finish with keys and a verified token, each acknowledged before the next is sent. */
const lifecycle =
  (manager: JobManager, shard: LifecycleOrder['shard']): Work =>
  async (told) => {
    const data = newData(shard);
    let jobId = '';
    let token = '';
    told(
      await timed(async () => {
        ({ id: jobId, token } = await manager.setup('pipelineJob', { pipeline, data }));
      }),
    );
    const send = (name: string, payload: unknown) =>
      sendWithToken(manager, { jobId, token, name, data: payload, key: `${name}-1` });
    told(await timed(() => send('run', { msg: 'started', host: 'compute-12', slots: 8 })));
    told(await timed(() => send('finish', { files: 3, bytes: 123_456_789, exit: 0 })));
  };
