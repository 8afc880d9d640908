import { hash } from 'node:crypto';
import {
  checkArchivePath,
  defaultArchivePath,
  looksLikeDefaultPath,
} from '../archive/archivePath.ts';
import { authorise, type Principal } from '../auth/authorise.ts';
import { ArchivePathRefused, InvalidData, PipelineNotFound } from '../errors.ts';
import { canonicalJson } from '../machine/canonicalJson.ts';
import type { RegisteredMachine } from '../machine/registry.ts';
import type { Engine } from './engine.ts';
import { jobIdentity } from './jobIdentity.ts';
import type { LiveJob } from './liveJob.ts';
import { issuesOf } from './parseEvent.ts';
import { resolveParents } from './resolveParents.ts';
import { scanInputs } from './scanInputs.ts';
import { sendEvents } from './sendEvents.ts';
import { parseSetup, type SetupInput } from './setupInput.ts';

export interface SetupAnswer {
  readonly job: LiveJob;
  /** False where a job of this identity was there already. */
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
): Promise<SetupAnswer> {
  authorise(principal, 'job.create');
  const machine = engine.registry.get(type);
  const given = parseSetup(machine, input);
  const json = parseData(machine, given.data);
  await checkPipeline(engine, given.pipeline);
  const parents = await resolveParents(engine.store, given.parents);
  const data = JSON.parse(json) as Record<string, unknown>;
  const inputs = await scanInputs(engine.store, data);
  const id = jobIdentity({ machine: machine.name, pipeline: given.pipeline, parents, data: json });
  const usual = usualPath(engine, machine, given, parents, json);
  const claim =
    given.archivePath === undefined ? undefined : explicitPath(engine, given.archivePath, usual);
  if (claim !== undefined) await claimPath(engine, claim, id);
  const setup = {
    pipeline: given.pipeline,
    links: { ...(parents.length > 0 && { child_of: parents }), ...inputs },
    session: given.session ?? null,
    agent: given.agent ?? null,
    task: given.task ?? null,
    archivePath:
      claim ?? (given.instanced ? instancedPath(engine, usual, given.session ?? id) : usual.path),
    tags: given.tags ?? [],
  };
  const demand = {
    kind: 'create',
    type: machine.name,
    typeVersion: machine.version,
    json,
    setup,
  } as const;
  const { job, entries } = await sendEvents(engine, id, { principal, demand });
  if (claim !== undefined && job.setup.archivePath !== claim)
    await engine.store.releaseArchive(claim, id);
  const created = entries.length > 0;
  // Again while nothing has happened: the process that created the job may not have got this far.
  if (job.seq === job.createdSeq) await engine.archive.create(job.setup.archivePath);
  return { job, created };
}

/** The data as the machine's input schema wants it, as canonical JSON. */
function parseData(machine: RegisteredMachine, given: unknown): string {
  // Before the schema sees it: that would pass over what is no plain JSON, and copy a cycle.
  const result = machine.definition.input.safeParse(JSON.parse(toJson(given)));
  if (!result.success) throw new InvalidData('data', issuesOf(result.error, 'data'));
  return toJson(result.data ?? {});
}

function toJson(data: unknown): string {
  const json = canonicalJson(data);
  if (!json.ok) throw new InvalidData('data', json.issues);
  return json.text;
}

async function checkPipeline({ store, pipelines }: Engine, pipeline: string | null): Promise<void> {
  // A pipeline is never unregistered, so one that was seen need not be looked up again.
  if (pipeline === null || pipelines.has(pipeline)) return;
  if (!(await store.getPipeline(pipeline))) throw new PipelineNotFound(pipeline);
  pipelines.add(pipeline);
}

interface UsualPath {
  readonly path: string;
  readonly parts: Parameters<typeof defaultArchivePath>[0];
}

function usualPath(
  { archivePrefixes }: Engine,
  machine: RegisteredMachine,
  { pipeline }: { pipeline: string | null },
  parents: readonly string[],
  json: string,
): UsualPath {
  const parts = {
    prefix: archivePrefixes[0] ?? '',
    owner: pipeline ?? machine.name,
    parentsDigest: hash('sha256', JSON.stringify(parents)),
    // With machine and pipeline in it, no two jobs have one path, whatever their pipelines are called.
    dataDigest: hash('sha256', JSON.stringify([machine.name, pipeline, json])),
  };
  return { parts, path: defaultArchivePath(parts) };
}

const instancedPath = (engine: Engine, { parts }: UsualPath, session: string): string => {
  const path = defaultArchivePath({ ...parts, instanced: { session, at: new Date(engine.now()) } });
  return checkArchivePath(path, engine.archivePrefixes);
};

/** An explicit path, safe as a text; undefined where it is the usual one anyway. */
function explicitPath(
  { archivePrefixes }: Engine,
  given: unknown,
  usual: UsualPath,
): string | undefined {
  const path = checkArchivePath(given, archivePrefixes);
  if (path === usual.path) return undefined;
  if (looksLikeDefaultPath(path, archivePrefixes)) {
    throw new ArchivePathRefused(path, 'it lies inside or around the directory of another job');
  }
  return path;
}

/** Usual paths are disjoint by their hashes; an explicit one must be kept clear of all others. */
async function claimPath(
  { store, archivePrefixes }: Engine,
  path: string,
  id: string,
): Promise<void> {
  const rival = await store.claimArchive(path, id);
  if (rival !== null) {
    throw new ArchivePathRefused(path, `it lies inside or around the directory of job ${rival}`);
  }
  const owner = archivePrefixes
    .filter((prefix) => path.startsWith(`${prefix}/`))
    .map((prefix) => path.slice(prefix.length + 1))
    .find((rest) => !rest.includes('/'));
  const pipelines = owner === undefined ? [] : await store.listPipelines();
  if (pipelines.some((pipeline) => pipeline.id.replaceAll('-', '') === owner)) {
    await store.releaseArchive(path, id);
    throw new ArchivePathRefused(path, 'it holds the directories of all jobs of a pipeline');
  }
}
