import { authorise, type Principal } from '../auth/authorise.ts';
import type { TokenClaim } from '../auth/tokens.ts';
import { InvalidData } from '../errors.ts';
import { createBulk, type Bulk } from '../bulk/bulk.ts';
import type { MachineDefinition } from '../machine/define.ts';
import { startDuties, type RunningDuties } from '../maintenance/duty.ts';
import { duties } from '../maintenance/duties.ts';
import { repairAll } from '../maintenance/repairProjection.ts';
import { readAttempts, readOutput, type Attempt } from '../records/attempts.ts';
import { createDatasets, type Datasets } from '../records/datasets.ts';
import type { OutputName } from '../records/outputs.ts';
import {
  readChildren,
  readParents,
  type RelativePage,
  type RelativeView,
} from '../records/readRelations.ts';
import { whyWaiting, type WhyWaiting } from '../records/whyWaiting.ts';
import { createWorkers, type Workers } from '../records/workers.ts';
import type { JobFilter } from '../store/store.ts';
import type { pipelineJob, record } from '../../machines/index.ts';
import type { Engine } from './engine.ts';
import { exportLog } from './exportLog.ts';
import { getJobs, type GetOptions } from './getJobs.ts';
import { createJobHandle, type JobHandle } from './jobHandle.ts';
import type { JobView } from './jobView.ts';
import { listJobs, type ListPage } from './listJobs.ts';
import { loadLiving } from './loadJob.ts';
import { openEngine, type OpenedEngine, type OpenOptions } from './openEngine.ts';
import { readCounts, type CountFilter, type Counts } from './readCounts.ts';
import { createRegistries, type Documents, type Pipelines } from './registries.ts';
import { setupJob } from './setupJob.ts';
import { setupMany, type SetupManyOptions, type SetupOutcome } from './setupMany.ts';
import type { SetupInput } from './setupInput.ts';
import { verify, type VerifyOptions } from './verify.ts';
import type { VerifyReport } from './verifyReport.ts';

type BuiltIn = typeof pipelineJob | typeof record;
type Known<Machines extends readonly MachineDefinition[]> = BuiltIn | Machines[number];
type NameOf<Machines extends readonly MachineDefinition[]> =
  BuiltIn['name'] | Machines[number]['name'];
type EventsNamed<Machines extends readonly MachineDefinition[], Name> = Extract<
  Known<Machines>,
  { readonly name: Name }
>['events'];

/** Whose name in-process calls carry: this code holds the database and the secrets. */
const inProcess: Principal = { actor: { kind: 'operator', id: 'library' } };

/**
 * The library's front door: opens the store, registers the machines, and gives out jobs. Any number of
 * processes may be open on one database at once.
 */
export class JobManager<Machines extends readonly MachineDefinition[] = readonly []> {
  readonly pipelines: Pipelines;
  readonly documents: Documents;
  /** Workers that claim jobs and report on them. */
  readonly workers: Workers;
  /** One operation on many jobs. */
  readonly bulk: Bulk;
  /** Tables of entries × specifications, whose cells are records. */
  readonly datasets: Datasets;
  readonly #opened: OpenedEngine;
  readonly #duties: RunningDuties;
  #closed: Promise<void> | undefined;

  private constructor(opened: OpenedEngine, background: boolean) {
    const { engine } = opened;
    this.#opened = opened;
    this.#duties = startDuties(duties(engine, background), engine.telemetry);
    ({ pipelines: this.pipelines, documents: this.documents } = createRegistries(engine));
    this.workers = createWorkers(engine, inProcess);
    this.datasets = createDatasets(engine, inProcess);
    this.bulk = createBulk(engine, (as) =>
      // A token that is asked for and missing must not end as an operator's rights.
      'token' in as ? this.principal(as.token) : inProcess,
    );
  }

  /**
   * Opens everything and repairs what a killed process left behind. All options have defaults; see
   * ConfigOptions for the environment variables. Without `mongodb` it runs an embedded database.
   */
  static async open<const Machines extends readonly MachineDefinition[] = readonly []>(
    options: OpenOptions<Machines> = {},
  ): Promise<JobManager<Machines>> {
    const { background = true } = options;
    const opened = await openEngine(options);
    try {
      await opened.engine.store.beat(opened.engine.processId, new Date(opened.engine.now()));
      if (background) await repairAll(opened.engine);
    } catch (error) {
      await closeEngine(opened);
      throw error;
    }
    return new JobManager<Machines>(opened, background);
  }

  /** The parts, for the doors of this package. */
  get engine(): Engine {
    return this.#opened.engine;
  }

  /** Creates a job, or attaches to the one with this machine, pipeline, parents and data. */
  setup<Name extends NameOf<Machines>>(
    type: Name,
    input?: SetupInput,
  ): Promise<JobHandle<EventsNamed<Machines, Name>>>;
  setup(type: string, input?: SetupInput): Promise<JobHandle>;
  async setup(type: string, input: SetupInput = {}): Promise<JobHandle<never>> {
    const { job } = await setupJob(this.engine, inProcess, type, input);
    // The overloads above tell which events its machine has.
    return createJobHandle<never>(this.engine, inProcess, job);
  }

  /**
   * Sets up many jobs of one machine, each as `setup` does it alone, thousands at a time. What is wrong with
   * one is told in its outcome and keeps no other; outcomes come in the order of the inputs.
   */
  setupMany<Name extends NameOf<Machines>>(
    type: Name,
    inputs: readonly SetupInput[],
    options?: SetupManyOptions,
  ): Promise<SetupOutcome<JobHandle<EventsNamed<Machines, Name>>>[]>;
  setupMany(
    type: string,
    inputs: readonly SetupInput[],
    options?: SetupManyOptions,
  ): Promise<SetupOutcome<JobHandle>[]>;
  async setupMany(
    type: string,
    inputs: readonly SetupInput[],
    { findExisting, stopped }: SetupManyOptions = {},
  ): Promise<SetupOutcome<JobHandle<never>>[]> {
    const asked = { findExisting, stopped };
    const outcomes = await setupMany(this.engine, inProcess, type, inputs, asked);
    return outcomes.map((each) =>
      each.outcome === 'refused'
        ? each
        : { ...each, job: createJobHandle<never>(this.engine, inProcess, each.job) },
    );
  }

  /** A job by its id, as an operator; or as the actor of a token, with no more rights than that has. */
  async job<Name extends NameOf<Machines> = 'pipelineJob'>(
    id: string,
    options: { readonly token?: string | undefined } = {},
  ): Promise<JobHandle<EventsNamed<Machines, Name>>> {
    // A token that is asked for and missing must not end as an operator's rights.
    const principal = 'token' in options ? this.principal(options.token) : inProcess;
    checkId(id);
    const job = await loadLiving(this.engine, id);
    authorise(principal, 'job.read', { jobId: id, generation: job.generation });
    return createJobHandle(this.engine, principal, job);
  }

  /**
   * Up to 1,000 jobs by their ids, in that order, each as it is now. Rejects with JobNotFound for one that is
   * not there; with `missingOk` null stands in its place.
   */
  async jobs(
    ids: readonly string[],
    options: GetOptions = {},
  ): Promise<(JobHandle<EventsNamed<Machines, NameOf<Machines>>> | null)[]> {
    const jobs = await getJobs(this.engine, ids, options);
    return jobs.map((job) => job && createJobHandle(this.engine, inProcess, job));
  }

  /** Why no worker works on a job, as it is now. Rejects with JobNotFound. */
  async why(id: string): Promise<WhyWaiting> {
    checkId(id);
    return whyWaiting(this.engine, inProcess, id);
  }

  /** A job's attempts that ended, the first one first. */
  async attempts(id: string): Promise<readonly Attempt[]> {
    return readAttempts(this.engine, await loadLiving(this.engine, id));
  }

  /**
   * What an attempt left: a result as the JSON value that it is, what its program wrote as a text. Rejects
   * with OutputNotFound where there is no such attempt, or it left nothing of this name.
   */
  output<Name extends OutputName>(
    id: string,
    which: { readonly name: Name; readonly attempt?: number | 'latest' | undefined },
  ): Promise<Name extends 'result' ? unknown : string>;
  async output(
    id: string,
    {
      name,
      attempt = 'latest',
    }: { readonly name: OutputName; readonly attempt?: number | 'latest' },
  ): Promise<unknown> {
    const job = await loadLiving(this.engine, id);
    const text = (await readOutput(this.engine, job, { attempt, name })).toString('utf8');
    return name === 'result' ? (JSON.parse(text) as unknown) : text;
  }

  /** A page of the jobs that have this one for a parent, by id. May lag as lists do. */
  async children(
    id: string,
    page: RelativePage = {},
  ): Promise<{ children: RelativeView[]; next?: string }> {
    checkId(id);
    return readChildren(this.engine, id, page);
  }

  /** The living jobs that a job has for parents, by id. */
  async parents(id: string): Promise<RelativeView[]> {
    checkId(id);
    return readParents(this.engine, id);
  }

  /** A page of jobs, newest first. May lag behind the log by well under a second. */
  async list(
    filter: JobFilter = {},
    page: ListPage = {},
  ): Promise<{ jobs: JobView[]; next?: string }> {
    return listJobs(this.engine, filter, page);
  }

  /**
   * How many jobs of each machine are in each state, by name of the machine and dotted state. Exact, read
   * at once however many jobs there are; may lag behind the log as lists do.
   */
  async counts(filter: CountFilter = {}): Promise<Counts> {
    return readCounts(this.engine, filter);
  }

  /** Signs a token: of an actor by name, or of a job (see also `job.token`). */
  issueToken(claim: TokenClaim): { token: string; expiresAt: Date } {
    return this.engine.tokens.issue(claim);
  }

  /** Whom a token proves. Throws Unauthenticated. */
  principal(token: unknown): Principal {
    const verified = this.engine.tokens.verify(token);
    return { actor: verified.actor, token: verified };
  }

  /** Does all that is due in the background now: timers, effects, snapshots, repair. */
  async maintain(): Promise<void> {
    await this.engine.projector.flush();
    await this.#duties.runNow();
    await this.engine.projector.flush();
  }

  /** Proves the promises on the database, or on one job; see verify. Events may be sent meanwhile. */
  async verify(options: Pick<VerifyOptions, 'job'> = {}): Promise<VerifyReport> {
    await this.engine.projector.flush();
    return verify(this.engine, options);
  }

  /** The log as lines of JSON, to be kept or checked elsewhere; see exportLog. */
  export(options: { readonly job?: string | undefined } = {}): AsyncIterable<string> {
    return exportLog(this.engine.store, options);
  }

  /** Finishes what is under way and closes, once. Everything acknowledged is on disk before and after. */
  close(): Promise<void> {
    return (this.#closed ??= this.#close());
  }

  async #close(): Promise<void> {
    await this.#duties.stop();
    await this.engine.bulkRuns.close();
    await closeEngine(this.#opened);
  }
}

async function closeEngine({ engine, embedded }: OpenedEngine): Promise<void> {
  const { feed, mailboxes, effects, projector, store, processId } = engine;
  feed.close();
  try {
    await mailboxes.drain();
    await effects.close();
    await projector.close();
    // What could not be written is left to the next process that sees this one gone.
    if (projector.isClean()) await store.forgetProcess(processId);
  } finally {
    await store.close();
    await embedded?.stop();
  }
}

function checkId(id: unknown): void {
  if (typeof id === 'string' && id.length <= 200) return;
  throw new InvalidData('job id', [{ path: 'id', message: 'a text' }]);
}
