import { StoreUnavailable } from '../../errors.ts';
import type { Commit, EffectClaim, LinkedDocument, Store } from '../store.ts';
import { createAudit } from './audit.ts';
import { createArchiveClaims } from './archiveClaims.ts';
import { checkDocument } from '../checkDocument.ts';
import { createCounts } from './counts.ts';
import { createDatasets } from './datasets.ts';
import { createDocuments } from './documents.ts';
import { createLog } from './log.ts';
import { createOutbox } from './outbox.ts';
import { createOutputs } from './outputs.ts';
import { createProjection } from './projection.ts';
import { createQueue } from './queue.ts';
import { createRegistry } from './registry.ts';
import { createRelations } from './relations.ts';
import { createWatches } from './watches.ts';
import { createWorkers } from './workers.ts';

export interface MemoryStoreOptions {
  readonly linkedCollections?: readonly string[];
  /** The store's clock, as `beat` and `readBeats` use it. */
  readonly now?: () => Date;
}

const defaultCollections = ['experiments', 'samples', 'measurements', 'files', 'references'];

/**
 * A store that lives and ends with the process: for tests of one's own machines, and as the oracle of
 * the store on MongoDB. Every value is copied on its way in and out, so a caller that changes what it
 * gave or got changes nothing here.
 */
export function createMemoryStore(options: MemoryStoreOptions = {}): Store {
  const linkedCollections = Object.freeze([...(options.linkedCollections ?? defaultCollections)]);
  const now = options.now ?? (() => new Date());
  const watches = createWatches((job, seq) => structuredClone(log.commitAt(job, seq)));
  const log = createLog((commit: Commit) => watches.add(commit));
  const audit = createAudit();
  const outputs = createOutputs();
  const projection = createProjection();
  const queue = createQueue(projection.all);
  const relations = createRelations(projection.all);
  const datasets = createDatasets((job) => projection.read(job)?.state);
  const workers = createWorkers();
  const outbox = createOutbox();
  const registry = createRegistry(now);
  const documents = createDocuments(linkedCollections);
  const claims = createArchiveClaims();
  const counts = createCounts();
  const { answering, scanning, assertOpen, close } = createDoor(watches.close);

  return {
    append: answering(log.append),
    readCommits: answering(log.readCommits),
    readNewer: answering((job: string, seq: number, limit: number) =>
      log.readCommits(job, seq + 1, limit),
    ),
    readHead: answering(log.readHead),
    findKey: answering(log.findKey),
    scanCommits: scanning(log.listCommits),
    scanCommitsOf: scanning(log.listCommitsOf),
    watch: async (options) => {
      assertOpen();
      return watches.watch(options);
    },

    readJob: answering(projection.read),
    projectedSeq: answering(projection.seqOf),
    readProjected: answering(projection.readProjected),
    project: answering((jobs, effects) => {
      outbox.add(effects);
      projection.advance(jobs);
    }),
    listJobs: answering(projection.list),
    countJobs: answering(projection.count),
    scanJobs: scanning(projection.all),
    dueTimers: answering(projection.dueTimers),

    count: answering(counts.count),
    readCountMark: answering(counts.readMark),
    readCounts: answering(counts.read),
    readCountedLog: answering(counts.readLog),

    countLinks: answering(
      (job) => documents.countLinking(job) + projection.linkingTo(job, Infinity).length,
    ),
    noteLinks: answering(log.noteLinks),
    unlinkDocuments: answering(documents.unlink),
    jobsLinkingTo: answering(projection.linkingTo),
    redact: answering(log.redact),
    finishRemoval: answering(projection.remove),

    // A function is no value: it goes in as it is.
    claimEffects: ({ accepts, ...claim }) =>
      answering((given: EffectClaim) => outbox.claim({ ...given, ...(accepts && { accepts }) }))(
        claim,
      ),
    pendingEffects: answering(outbox.pending),
    completeEffect: answering(outbox.complete),
    failEffect: answering(outbox.fail),
    reviveEffect: answering(outbox.revive),
    releaseEffects: answering(outbox.release),
    dropEffects: answering(outbox.drop),
    scanEffects: scanning(outbox.list),
    countEffects: answering(outbox.count),

    beat: answering(registry.beat),
    readBeats: answering(registry.readBeats),
    forgetProcess: answering(registry.forgetProcess),

    putPipeline: answering(registry.putPipeline),
    getPipeline: answering(registry.getPipeline),
    listPipelines: answering(registry.listPipelines),
    linkedCollections,
    putDocument: async (collection, document): Promise<LinkedDocument> => {
      assertOpen();
      // Before it is copied: a copy no longer shows what JSON would change.
      checkDocument(linkedCollections, collection, document);
      return answering(documents.put)(collection, document);
    },
    getDocument: answering(documents.get),
    findDocuments: answering(documents.find),
    findFiles: answering(documents.findFiles),
    claimArchive: answering(claims.claim),
    archiveOwner: answering(claims.owner),
    releaseArchive: answering(claims.release),
    putAudit: answering(audit.put),
    listAudit: answering(audit.list),

    putOutput: answering(outputs.put),
    readOutput: answering(outputs.read),
    removeOutputs: answering(outputs.remove),
    looseOutputs: answering(outputs.listLoose),
    keepOutputs: answering(outputs.keep),

    listLanes: answering(queue.lanes),
    readQueue: answering(queue.read),
    countQueue: answering(queue.count),
    listHolders: answering(queue.holders),
    readHeld: answering(queue.held),

    addWorker: answering(workers.add),
    getWorker: answering(workers.get),
    listWorkers: answering(workers.list),
    workerStatuses: answering(workers.statuses),
    beatWorker: answering(workers.beat),
    endWorker: answering(workers.end),
    silentWorkers: answering(workers.silent),
    countWork: answering(workers.count),

    readRelatives: answering(relations.read),
    scanChildren: scanning(relations.childrenOf),
    readChildren: answering(relations.page),
    countChildren: answering(relations.count),
    hasChildOutside: answering(relations.hasOutside),

    addDataset: answering(datasets.add),
    getDataset: answering(datasets.get),
    listDatasets: answering(datasets.list),
    addSpecifications: answering(datasets.addSpecifications),
    addEntries: answering(datasets.addEntries),
    listEntries: answering(datasets.listEntries),
    countEntries: answering(datasets.countEntries),
    addItems: answering(datasets.addItems),
    listItems: answering(datasets.listItems),
    countItems: answering(datasets.countItems),
    inDatasets: answering(datasets.including),
    removeItems: answering(datasets.removeItems),
    removeDataset: answering(datasets.remove),

    close,
  };
}

/** The one way in and out: refuses once closed, copies arguments before and answers after. */
function createDoor(onClose: () => void) {
  let closed = false;
  const assertOpen = (): void => {
    if (closed) throw new StoreUnavailable('it was closed');
  };
  return {
    assertOpen,
    answering:
      <Given extends unknown[], Answer>(operation: (...given: Given) => Answer) =>
      async (...given: Given): Promise<Answer> => {
        assertOpen();
        return structuredClone(operation(...structuredClone(given)));
      },
    scanning: <Given extends unknown[], Item>(list: (...given: Given) => readonly Item[]) =>
      async function* (...given: Given): AsyncGenerator<Item> {
        assertOpen();
        for (const item of list(...given)) {
          assertOpen();
          yield structuredClone(item);
        }
      },
    close: async (): Promise<void> => {
      closed = true;
      onClose();
    },
  };
}
