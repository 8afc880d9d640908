import { randomUUID } from 'node:crypto';
import type { MongoClient } from 'mongodb';
import { bulkRun, pipelineJob, record } from '../../machines/index.ts';
import { openArchive } from '../archive/archive.ts';
import { createTokens } from '../auth/tokens.ts';
import { ActiveRuns } from '../bulk/activeRuns.ts';
import { readConfig, readSecrets, type Config, type ConfigOptions } from '../config.ts';
import { clearArchive } from '../effects/clearArchive.ts';
import { EffectRunner } from '../effects/runner.ts';
import { sendReady } from '../effects/sendReady.ts';
import { unlinkDocuments } from '../effects/unlinkDocuments.ts';
import { startEmbeddedMongo, type EmbeddedMongo } from '../embedded/embeddedMongo.ts';
import { JobNotFound } from '../errors.ts';
import { defaultLimits, jsonLimitsOf } from '../limits.ts';
import type { MachineDefinition } from '../machine/define.ts';
import type { EffectHandler } from '../machine/effect.ts';
import { createRegistry } from '../machine/registry.ts';
import { checkChildren, tellParents, tellParentsOfRemoved } from '../records/settleParents.ts';
import { openMongoStore } from '../store/mongo/mongoStore.ts';
import { ClaimBoard } from '../records/claimBoard.ts';
import { takeToHand } from '../records/takeToHand.ts';
import { workOf } from '../records/workOf.ts';
import type { Store } from '../store/store.ts';
import { Telemetry } from '../telemetry/emit.ts';
import { attachLog } from '../telemetry/log.ts';
import { deriveProjection } from './deriveProjection.ts';
import { prepareEffect } from './prepareEffect.ts';
import type { Engine } from './engine.ts';
import { EntryFeed } from './entryFeed.ts';
import { LiveJobs } from './liveJobs.ts';
import { Mailboxes } from './mailbox.ts';
import { Projector } from './projector.ts';
import type { Mail } from './request.ts';
import { handleMail, sendEvents } from './sendEvents.ts';

export interface OpenOptions<
  Machines extends readonly MachineDefinition[] = readonly MachineDefinition[],
> extends Omit<ConfigOptions, 'mongodb'> {
  /** A connection string, or a client that stays yours. JOBWRIGHT_MONGODB_URI; absent: embedded. */
  readonly mongodb?: string | MongoClient | undefined;
  /** Machines beside those that come with the product. */
  readonly machines?: Machines | undefined;
  /** A store of your own, for tests: then no database is opened. */
  readonly store?: Store | undefined;
  /** The clock, in milliseconds since 1970. */
  readonly now?: (() => number) | undefined;
  /**
   * Whether this process does what is due in the background: effects, timers, repair. Default: true. All
   * that do need the same archive root and machines; one that only reports does not.
   */
  readonly background?: boolean | undefined;
  /** Where the engine tells what it does. */
  readonly telemetry?: Telemetry | undefined;
}

/** A wired engine and what has to be closed with it. */
export interface OpenedEngine {
  readonly engine: Engine;
  readonly config: Config;
  readonly embedded: EmbeddedMongo | undefined;
}

/** Wires the parts together; starts nothing that runs by itself but the embedded database. */
export async function openEngine(options: OpenOptions): Promise<OpenedEngine> {
  const { mongodb } = options;
  const config = readConfig({
    ...options,
    mongodb: typeof mongodb === 'string' ? mongodb : undefined,
  });
  const keys = await readSecrets(options, config.home);
  const telemetry = options.telemetry ?? new Telemetry();
  if (!options.telemetry && config.logLevel !== 'silent') attachLog(telemetry, config.logLevel);
  const now = steadyClock(options.now ?? Date.now);
  // Everything that can be refused is refused before a database is started.
  const registry = createRegistry(
    [pipelineJob, record, bulkRun, ...(options.machines ?? [])],
    engineEffects,
  );
  const limits = { ...defaultLimits, ...config.limits };
  const tokens = createTokens({ keys, now, limit: limits.token });
  const archive = openArchive({ root: config.archiveRoot, prefixes: config.archivePrefixes });
  const { store, embedded } = await openStore(options, config, telemetry);
  const processId = randomUUID();
  let nonce = 0;
  const handlers = new Map<string, EffectHandler>([
    ['clearArchive', clearArchive(archive, store)],
    ['sendReady', sendReady],
    [
      'unlinkDocuments',
      async (run) => {
        await unlinkDocuments(store, (job, gone) => unlinkJob(engine, job, gone))(run);
        await tellParentsOfRemoved(engine, run);
      },
    ],
    ['tellParents', (run) => tellParents(engine, run)],
    ['checkChildren', (run) => checkChildren(engine, run)],
  ]);
  const live = new LiveJobs();
  const engine: Engine = {
    processId,
    store,
    registry,
    tokens,
    archive,
    archivePrefixes: config.archivePrefixes,
    makeDirectories: config.makeDirectories,
    telemetry,
    limits,
    jsonLimits: jsonLimitsOf(limits),
    publicUrl: config.publicUrl,
    now,
    nextNonce: () => (nonce += 1),
    pipelines: new Set(),
    live,
    claims: new ClaimBoard({
      store,
      live,
      now,
      takeToHand: (document) => takeToHand({ live, registry }, document),
      workOf: (job) => workOf(registry, job),
    }),
    feed: new EntryFeed({ store, live }),
    bulkRuns: new ActiveRuns(),
    mailboxes: new Mailboxes<Mail>((jobId, mail) => handleMail(engine, jobId, mail)),
    projector: new Projector({
      processId,
      store,
      telemetry,
      registry,
      now,
      derive: (id, since) => deriveProjection(engine, id, since),
      onEffects: () => {
        if (options.background !== false) void runEffects(engine);
      },
    }),
    effects: new EffectRunner({
      store,
      telemetry,
      processId,
      now,
      handlerOf: ({ type, typeVersion, effect }) =>
        registry.find(type, typeVersion)?.definition.effects?.[effect.type] ??
        handlers.get(effect.type),
      prepare: (task, signal) => prepareEffect(engine, task, signal),
    }),
  };
  return { engine, config, embedded };
}

/** The effects that every machine may name. */
const engineEffects: ReadonlySet<string> = new Set([
  'clearArchive',
  'sendReady',
  'tellParents',
  'checkChildren',
]);

async function openStore(options: OpenOptions, config: Config, telemetry: Telemetry) {
  if (options.store) return { store: options.store, embedded: undefined };
  const given = options.mongodb ?? config.mongodb;
  const report = (step: string, detail: string) =>
    telemetry.emit('embedded.progress', { step, detail });
  const embedded =
    given === undefined ? await startEmbeddedMongo({ home: config.home, report }) : undefined;
  const { database, linkedCollections } = config;
  try {
    const mongodb = given ?? embedded?.uri ?? '';
    return {
      store: await openMongoStore({ mongodb, database, linkedCollections, telemetry }),
      embedded,
    };
  } catch (error) {
    await embedded?.stop();
    throw error;
  }
}

/** At once rather than at the next turn of the duty, which takes what this leaves. */
async function runEffects({ effects, telemetry }: Engine): Promise<void> {
  try {
    await effects.runDue();
  } catch (error) {
    telemetry.emit('duty.failed', { duty: 'runEffects', error: String(error) });
  }
}

async function unlinkJob(engine: Engine, jobId: string, gone: string): Promise<void> {
  const principal = { actor: { kind: 'system', id: 'unlink' } } as const;
  try {
    await sendEvents(engine, jobId, { principal, demand: { kind: 'unlink', id: gone } });
  } catch (error) {
    // Deleted as well meanwhile, so that nothing links any more.
    if (!(error instanceof JobNotFound)) throw error;
  }
  await engine.projector.flush();
}

/** Time never goes back within a process, whatever is done to the machine's clock. */
function steadyClock(read: () => number): () => number {
  let latest = 0;
  return () => (latest = Math.max(latest, read()));
}
