import { hash, randomUUID } from 'node:crypto';
import { authorise, type Principal } from '../auth/authorise.ts';
import { InvalidData, PipelineNotFound, StoreUnavailable } from '../errors.ts';
import { canonicalJson } from '../machine/canonicalJson.ts';
import type { RegisteredMachine } from '../machine/registry.ts';
import { checkPipelineDirectory, chooseArchivePath } from './chooseArchivePath.ts';
import type { Engine } from './engine.ts';
import { jobIdentity } from './jobIdentity.ts';
import type { LiveJob } from './liveJob.ts';
import { loadJob } from './loadJob.ts';
import { parseJson } from './parseEvent.ts';
import type { Answer, Request } from './request.ts';
import { resolveParents } from './resolveParents.ts';
import { scanInputs } from './scanInputs.ts';
import { sendEvents } from './sendEvents.ts';
import { parseSetup, type SetupInput } from './setupInput.ts';

export interface SetupAnswer {
  readonly job: LiveJob;
  /** False where a job of this identity was there already, but by this very request. */
  readonly created: boolean;
}

/**
 * Creates a job, or attaches to the one of the same machine, pipeline, parents and data. Two set-ups of
 * the same, at once or not, give one job with one `create`. Nothing is stored on a refusal: UnknownMachine,
 * InvalidData, PipelineNotFound, ParentNotFound, MixedParents, ArchivePathRefused.
 */
export async function setupJob(
  engine: Engine,
  principal: Principal,
  type: string,
  input: SetupInput,
  key?: string,
): Promise<SetupAnswer> {
  authorise(principal, 'job.create');
  const machine = engine.registry.get(type);
  const given = parseSetup(machine, input);
  const { session, agent, task, instanced, tags = [] } = given;
  const pipeline = given.pipeline ?? null;
  const instance = given.findExisting === false ? newInstance(principal, key) : undefined;
  const parsed = parseData(engine, machine, given.data ?? {});
  if (pipeline !== null && !engine.pipelines.has(pipeline)) await checkPipeline(engine, pipeline);
  const parents = await resolveParents(engine.store, given.parents);
  const inputs = await scanInputs(engine.store, parsed.data);
  const { json, identity } = completeData(engine, machine, parsed, parents);
  const id = jobIdentity({ machine: machine.name, pipeline, parents, data: identity, instance });
  const { path: archivePath, claim } = await chooseArchivePath(engine, machine, {
    id,
    pipeline,
    parents,
    json: identity,
    instance,
    session,
    instanced,
    archivePath: given.archivePath,
  });
  const setup = {
    pipeline,
    links: parents.length > 0 ? { child_of: parents, ...inputs } : inputs,
    session: session ?? null,
    agent: agent ?? null,
    task: task ?? null,
    archivePath,
    tags,
    ...(instance !== undefined && { instance }),
  };
  const demand = {
    kind: 'create',
    type: machine.name,
    typeVersion: machine.version,
    json,
    setup,
  } as const;
  const { job, entries } = await createClaimed(
    engine,
    id,
    { principal, demand, ...(key !== undefined && { key }) },
    { archivePath, claim },
  );
  const created = entries.length > 0 || (await wasCreatedBy(engine, id, principal, key));
  return { job, created };
}

/** Whether this is the repeat of the request that created the job: it is answered alike. */
async function wasCreatedBy(
  { store }: Engine,
  id: string,
  { actor }: Principal,
  key: string | undefined,
): Promise<boolean> {
  const commit = key === undefined ? null : await store.findKey(id, key);
  const entry = commit?.entries.find((each) => each.key === key);
  return (
    entry?.operation === 'create' && entry.actor.kind === actor.kind && entry.actor.id === actor.id
  );
}

/** Creates the job or finds it; a claimed path that is not its path in the end is free again. */
async function createClaimed(
  engine: Engine,
  id: string,
  request: Request,
  { archivePath, claim }: { archivePath: string; claim: string | undefined },
): Promise<Answer> {
  try {
    // Before anything is stored: a path that runs through a link is refused here.
    if (engine.makeDirectories) await engine.archive.create(archivePath);
    const answer = await sendEvents(engine, id, request);
    if (claim !== undefined) await releaseUnused(engine, id, claim);
    return answer;
  } catch (error) {
    // Where nobody knows whether the job was created the claim stays, to be safe.
    const isKnown = !(error instanceof StoreUnavailable);
    if (claim !== undefined && isKnown) await releaseUnused(engine, id, claim);
    throw error;
  }
}

async function releaseUnused(engine: Engine, id: string, claim: string): Promise<void> {
  const job = await loadJob(engine, id);
  if (job && !job.removed && job.setup.archivePath === claim) return;
  await engine.store.releaseArchive(claim, id);
}

/** The data as the machine's input schema wants it, and its canonical JSON. */
function parseData({ jsonLimits }: Engine, machine: RegisteredMachine, given: unknown) {
  // Before the schema sees it: that would pass over what is no plain JSON, and copy a cycle.
  const taken = canonicalJson(given, jsonLimits);
  if (!taken.ok) throw new InvalidData('data', taken.issues);
  const { json, data } = parseJson(machine.definition.input, taken.text, jsonLimits, 'data');
  return { json: json ?? '{}', data: (data ?? {}) as Record<string, unknown> };
}

/**
 * The data as the machine gets it, and what of it is the job's identity: without what is incidental, and
 * without the parents, which are part of that anyway.
 */
function completeData(
  { jsonLimits }: Engine,
  { definition }: RegisteredMachine,
  { json, data }: ReturnType<typeof parseData>,
  parents: readonly string[],
): { json: string; identity: string } {
  const { incidental = [], knowsParents = false } = definition;
  const textOf = (value: unknown): string => {
    const text = canonicalJson(value, jsonLimits);
    if (!text.ok) throw new InvalidData('data', text.issues);
    return text.text;
  };
  const without = incidental.some((key) => Object.hasOwn(data, key));
  const kept = Object.entries(data).filter(([key]) => !incidental.includes(key));
  return {
    json: knowsParents && parents.length > 0 ? textOf({ ...data, parents }) : json,
    identity: without ? textOf(Object.fromEntries(kept)) : json,
  };
}

/** A new one each time, but the same for the repeat of a request. */
const newInstance = ({ actor }: Principal, key: string | undefined): string =>
  key === undefined
    ? randomUUID()
    : hash('sha256', JSON.stringify([actor.kind, actor.id, key])).slice(0, 32);

/** Looks for a pipeline that this process has not seen; none is ever unregistered. */
async function checkPipeline(engine: Engine, pipeline: string): Promise<void> {
  const { store, pipelines } = engine;
  if (!(await store.getPipeline(pipeline))) throw new PipelineNotFound(pipeline);
  await checkPipelineDirectory(engine, pipeline);
  pipelines.add(pipeline);
}
