import { hash } from 'node:crypto';
import {
  checkArchivePath,
  defaultArchivePath,
  looksLikeDefaultPath,
} from '../archive/archivePath.ts';
import { ArchivePathRefused } from '../errors.ts';
import type { RegisteredMachine } from '../machine/registry.ts';
import type { Engine } from './engine.ts';

/** What a job's directory depends on. */
export interface PathChoice {
  readonly id: string;
  readonly pipeline: string | null;
  /** Resolved and sorted. */
  readonly parents: readonly string[];
  /** Canonical JSON of what of the data is not incidental. */
  readonly json: string;
  readonly instance?: string | undefined;
  readonly session?: string | undefined;
  readonly instanced?: boolean | undefined;
  /** Given explicitly, and used as it is. */
  readonly archivePath?: unknown;
}

export interface ChosenPath {
  readonly path: string;
  /** The same where it was given explicitly: it is claimed for the job. */
  readonly claim?: string;
}

/**
 * The directory of a new job. Usual paths are disjoint by their hashes and need no look-up; an explicit
 * one is claimed, and refused with ArchivePathRefused where it is unsafe or equals, holds or lies in the
 * directory of another job, be it one that is still to come.
 */
export async function chooseArchivePath(
  engine: Engine,
  machine: RegisteredMachine,
  choice: PathChoice,
): Promise<ChosenPath> {
  const { archivePrefixes: prefixes, now } = engine;
  const { id, session, instanced } = choice;
  const parts = partsOf(prefixes, machine, choice);
  const usual = defaultArchivePath(parts);
  if (choice.archivePath === undefined) {
    if (!instanced) return { path: usual };
    const at = new Date(now());
    return { path: defaultArchivePath({ ...parts, instanced: { session: session ?? id, at } }) };
  }
  const path = checkArchivePath(choice.archivePath, prefixes);
  if (path === usual) return { path };
  refuseUsualPlaces(path, prefixes);
  await claimPath(engine, path, id);
  return { path, claim: path };
}

/** Refuses a pipeline whose jobs' directories would lie in one that a job was given explicitly. */
export async function checkPipelineDirectory(
  { store, archivePrefixes }: Engine,
  pipeline: string,
): Promise<void> {
  const path = `${archivePrefixes[0]}/${compact(pipeline)}`;
  const owner = await store.archiveOwner(path);
  if (owner !== null) throw new ArchivePathRefused(path, `it is the directory of job ${owner}`);
}

function partsOf(
  prefixes: readonly string[],
  machine: RegisteredMachine,
  { pipeline, parents, json, instance }: PathChoice,
) {
  const identity = [machine.name, pipeline, json];
  if (instance !== undefined) identity.push(instance);
  return {
    prefix: prefixes[0] ?? '',
    // No pipeline's id begins like this.
    owner: pipeline ?? `_${machine.name}`,
    parentsDigest: hash('sha256', JSON.stringify(parents)),
    // With machine and pipeline in it, no two jobs have one path, whatever their pipelines are called.
    dataDigest: hash('sha256', JSON.stringify(identity)),
  };
}

function refuseUsualPlaces(path: string, prefixes: readonly string[]): void {
  const ofMachine = prefixes.some((prefix) => path.startsWith(`${prefix}/_`));
  if (!ofMachine && !looksLikeDefaultPath(path, prefixes)) return;
  throw new ArchivePathRefused(path, 'it lies inside or around the directory of another job');
}

async function claimPath(
  { store, archivePrefixes }: Engine,
  path: string,
  id: string,
): Promise<void> {
  const rival = await store.claimArchive(path, id);
  if (rival !== null) {
    throw new ArchivePathRefused(path, `it lies inside or around the directory of job ${rival}`);
  }
  // A pipeline registered after this look finds the claim, see checkPipelineDirectory.
  const pipelines = await store.listPipelines();
  const directories = pipelines.flatMap((pipeline) =>
    archivePrefixes.map((prefix) => `${prefix}/${compact(pipeline.id)}`),
  );
  if (!directories.includes(path)) return;
  await store.releaseArchive(path, id);
  throw new ArchivePathRefused(path, 'it holds the directories of all jobs of a pipeline');
}

const compact = (pipeline: string): string => pipeline.replaceAll('-', '');
