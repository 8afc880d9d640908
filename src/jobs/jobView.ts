import type { z } from 'zod';
import type { Actor, ActorKind } from '../machine/actor.ts';
import { allowedEvents } from '../machine/allowedEvents.ts';
import type { Registry } from '../machine/registry.ts';
import { persistSnapshot, statesOf } from '../machine/snapshot.ts';
import { linkFields, type LinkField } from '../store/store.ts';
import type { LiveJob } from './liveJob.ts';
import type { PlacedEntry } from './request.ts';

/** A job as everybody may see it; the same in the library and over HTTP. */
export interface JobView {
  readonly id: string;
  readonly type: string;
  readonly typeVersion: string;
  /** The dotted active state. */
  readonly state: string;
  /** All active states, outermost first. */
  readonly states: readonly string[];
  /** Seq of the newest entry. */
  readonly version: number;
  readonly lastEvent: string;
  readonly data: Readonly<Record<string, unknown>>;
  readonly links: Readonly<Record<LinkField, readonly string[]>>;
  readonly pipeline: string | null;
  readonly session: string | null;
  readonly agent: string | null;
  readonly task: string | null;
  readonly archivePath: string;
  readonly tags: readonly string[];
  /** UTC ISO, milliseconds. */
  readonly createdAt: string;
  readonly updatedAt: string;
  /** What its machine shows of what it remembers; absent where that shows nothing. */
  readonly details?: Readonly<Record<string, unknown>>;
  readonly allowedEvents: readonly AllowedEventView[];
}

/** An event that the job's state has: its name, who may send it, the schema of its data. */
export interface AllowedEventView {
  readonly name: string;
  readonly who: readonly ActorKind[];
  readonly schema?: z.ZodType;
}

/** One line of a job's history. */
export interface Entry {
  readonly id: string;
  readonly seq: number;
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>> | null;
  /** Dotted state before; null for the creation. */
  readonly from: string | null;
  /** Dotted state after; null for the end of the job. */
  readonly to: string | null;
  /** UTC ISO, milliseconds. */
  readonly at: string;
  readonly actor: Actor;
  /** Id of the token by which an admin did this. */
  readonly tokenId?: string;
  readonly key?: string;
  readonly hash: string;
}

export function viewJob(registry: Registry, job: LiveJob, now: number): JobView {
  const details = viewDetails(registry, job);
  return {
    ...viewFacts(job),
    data: JSON.parse(job.data) as Record<string, unknown>,
    ...(details && { details }),
    allowedEvents: viewAllowedEvents(registry, job, now),
  };
}

/** All of a job but its data, its machine's details, and what its state allows. */
export function viewFacts(job: LiveJob): Omit<JobView, 'data' | 'details' | 'allowedEvents'> {
  const { id, type, typeVersion, state, seq, lastEvent, links, setup } = job;
  return {
    id,
    type,
    typeVersion,
    state,
    states: activeStates(job),
    version: seq,
    lastEvent,
    links: Object.fromEntries(
      linkFields.map((field) => [field, [...(links[field] ?? [])] as readonly string[]]),
    ) as JobView['links'],
    pipeline: setup.pipeline,
    session: setup.session,
    agent: setup.agent,
    task: setup.task,
    archivePath: setup.archivePath,
    tags: [...setup.tags],
    createdAt: job.createdAt.toISOString(),
    updatedAt: job.updatedAt.toISOString(),
  };
}

/** What a job's machine shows of it; undefined where that shows nothing, or is not known here. */
export function viewDetails(registry: Registry, job: LiveJob): JobView['details'] {
  const { type, typeVersion, state, snapshot } = job;
  const details = registry.find(type, typeVersion)?.definition.details;
  return details && snapshot && details({ state, context: snapshot.context as object });
}

/** The names of all active states; of a job whose machine is not known, its dotted state. */
export const activeStates = ({ snapshot, state }: LiveJob): readonly string[] =>
  snapshot ? statesOf(persistSnapshot(snapshot).value) : [state];

/** None where this process does not know the job's machine. */
export function viewAllowedEvents(
  registry: Registry,
  job: LiveJob,
  now: number,
): readonly AllowedEventView[] {
  const machine = registry.find(job.type, job.typeVersion);
  if (!machine || !job.snapshot) return [];
  return allowedEvents(machine, job.snapshot, new Date(now).toISOString()).map(({ name, who }) => {
    const schema = machine.definition.events[name];
    return { name, who, ...(schema && { schema }) };
  });
}

export function viewEntry(placed: PlacedEntry): Entry {
  const { data } = placed.entry;
  return {
    ...viewEntryFacts(placed),
    data: data === null ? null : (JSON.parse(data) as Record<string, unknown>),
  };
}

/** All of an entry but its data. */
export function viewEntryFacts({ jobId, seq, at, entry }: PlacedEntry): Omit<Entry, 'data'> {
  const { name, from, to, actor, tokenId, key, hash } = entry;
  return {
    id: `${jobId}:${seq}`,
    seq,
    name,
    from,
    to,
    at: at.toISOString(),
    actor: { kind: actor.kind, id: actor.id },
    ...(tokenId !== undefined && { tokenId }),
    ...(key !== undefined && { key }),
    hash,
  };
}
