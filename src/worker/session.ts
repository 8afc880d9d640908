import type { ClaimedJob, WorkerProtocol, WorkerView } from '../records/workerProtocol.ts';
import { createBell, type Bell } from './bell.ts';
import { codeOf, isGone, messageOf } from './fault.ts';
import { createJobs, type Jobs } from './jobs.ts';
import { createLife, type Life } from './life.ts';
import { createOutbox, type Outbox } from './outbox.ts';
import { createBackOff, pause } from './pause.ts';
import { createProgressReports } from './progressReports.ts';
import type { Run } from './run.ts';
import type { TellEvent } from './workerEvent.ts';

export interface SessionOptions {
  readonly workers: WorkerProtocol;
  readonly run: Run;
  readonly concurrency: number;
  /** The longest pause between two claims that give nothing. */
  readonly pollMs: number;
  /** Ends once a claim gives nothing and nothing is left to do. */
  readonly untilEmpty: boolean;
  readonly tell: TellEvent;
}

/** What a worker does under one name. */
export interface Session {
  /** Claims no more, and ends when what runs has ended; without `drain` that is given back at once. */
  stop(drain: boolean): void;
  /** Resolves to whether it stopped; false: it is no longer active. Rejects with what nothing can be done about. */
  readonly ended: Promise<boolean>;
}

/** Milliseconds: a run that heeds no signal is not waited for any longer. */
const graceMs = 10_000;
/** How long a stopping worker tries to deliver what it has. */
const lastDeliveryMs = 30_000;
const claimMs = 30_000;
const firstPollMs = 100;

/** Works under the name of a worker that was just activated. */
export function openSession(view: WorkerView, options: SessionOptions): Session {
  const { workers, tell, run } = options;
  const life = createLife({
    name: view.name,
    leaseMs: view.leaseSeconds * 1_000,
    workers,
    tell,
  });
  const bell = createBell();
  const progress = createProgressReports(bell);
  const outbox = createOutbox(life, bell);
  const jobs = createJobs({ life, run, bell, progress, deliver: (result) => outbox.add(result) });
  const parts: Parts = { life, bell, jobs, outbox };
  const loops = [
    keepBeating(parts),
    keepClaiming(parts, options),
    outbox.keepDelivering(),
    progress.keepSending(life, (held) => jobs.abandon(held)),
  ];
  return {
    stop(drain) {
      life.beQuiet();
      if (!drain) jobs.abortAll('its worker stops');
    },
    ended: finish(parts).finally(() => Promise.all(loops)),
  };
}

interface Parts {
  readonly life: Life;
  readonly bell: Bell;
  readonly jobs: Jobs;
  readonly outbox: Outbox;
}

async function finish({ life, bell, jobs, outbox }: Parts): Promise<boolean> {
  const { name, workers, over, quiet, tell } = life;
  over.addEventListener('abort', () => {
    jobs.abortAll();
    bell.ring();
  });
  if (!quiet.aborted) await new Promise((resolve) => quiet.addEventListener('abort', resolve));
  await jobs.settled(graceMs);
  await outbox.drained(lastDeliveryMs);
  await life.call('deactivate', claimMs, () => workers.deactivate(name));
  life.end();
  const why: unknown = over.reason;
  outbox.drop(why ? codeOf(why) : 'NOT_DELIVERED', why ? messageOf(why) : 'the worker has stopped');
  if (why === null) {
    tell({ event: 'stopped', worker: name });
    return true;
  }
  if (!isGone(why)) throw why as Error;
  tell({ event: 'lost', worker: name, code: codeOf(why) });
  return false;
}

/** Says every third of a lease that it lives and what it has; the answer tells what to drop. */
async function keepBeating({ life, jobs, outbox }: Parts): Promise<void> {
  const { over, name, workers, leaseMs } = life;
  const everyMs = leaseMs / 3;
  while (!over.aborted) {
    const started = performance.now();
    const running = [...jobs.held(), ...outbox.held()];
    const answer = await life.call('heartbeat', everyMs, () =>
      workers.heartbeat(name, { running }),
    );
    for (const held of answer?.abandon ?? []) jobs.abandon(held);
    const rest = everyMs * (0.9 + Math.random() / 10) - (performance.now() - started);
    await pause(Math.max(rest, everyMs / 10), over);
  }
}

/** Fills free places; asks at once again where something was given, else after a pause that grows. */
async function keepClaiming(
  { life, bell, jobs, outbox }: Parts,
  { concurrency, pollMs, untilEmpty }: SessionOptions,
): Promise<void> {
  const { quiet, name, workers } = life;
  const backOff = createBackOff(firstPollMs, pollMs);
  const giveBack = (given: readonly ClaimedJob[]): void => {
    for (const { id, epoch } of given) outbox.add({ id, epoch, outcome: 'released' });
  };
  while (!quiet.aborted) {
    const limit = concurrency - jobs.count;
    if (limit <= 0 || outbox.isStuck) {
      await bell.next(quiet);
      continue;
    }
    const given = await life.call(
      'claim',
      claimMs,
      () => workers.claim(name, { limit: Math.min(limit, 200) }),
      giveBack,
    );
    if (quiet.aborted) giveBack(given ?? []);
    else for (const job of given ?? []) jobs.start(job);
    if (given && given.length > 0) {
      backOff.reset();
      continue;
    }
    const isIdle = jobs.count === 0 && outbox.count === 0;
    if (untilEmpty && given && isIdle) life.beQuiet();
    await pause(backOff.next(), quiet);
  }
}
