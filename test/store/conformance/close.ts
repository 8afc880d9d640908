import { describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../../src/errors.ts';
import type { Store } from '../../../src/store/store.ts';
import {
  buildAudit,
  buildClaim,
  buildCommit,
  buildWorker,
  collect,
  onePage,
  sometime,
} from './builders.ts';
import { buildDataset } from './datasets.ts';
import { type MakeStore, useSharedStore } from './useStore.ts';

type Operation = Exclude<keyof Store, 'linkedCollections' | 'close'>;

const pipeline = { id: 'p', name: 'p', description: '', metadata: {} };

const operations: Readonly<Record<Operation, (store: Store) => Promise<unknown>>> = {
  append: (store) => store.append(buildCommit()),
  readCommits: (store) => store.readCommits('job', 1),
  readNewer: (store) => store.readNewer('job', 1, 10),
  readHead: (store) => store.readHead('job'),
  findKey: (store) => store.findKey('job', 'k'),
  scanCommits: (store) => collect(store.scanCommits()),
  scanCommitsOf: (store) => collect(store.scanCommitsOf('process', sometime)),
  readJob: (store) => store.readJob('job'),
  projectedSeq: (store) => store.projectedSeq('job'),
  readProjected: (store) => store.readProjected(['job']),
  project: (store) => store.project([], []),
  listJobs: (store) => store.listJobs({}, onePage),
  countJobs: (store) => store.countJobs({}),
  scanJobs: (store) => collect(store.scanJobs()),
  dueTimers: (store) => store.dueTimers(sometime, 1),
  count: (store) => store.count('process', { version: 1, upTo: 0, beyond: [] }, []),
  readCountMark: (store) => store.readCountMark('process'),
  readCounts: (store) => store.readCounts(),
  readCountedLog: (store) => store.readCountedLog(),
  countLinks: (store) => store.countLinks('job'),
  noteLinks: (store) => store.noteLinks('job', 1, 0),
  unlinkDocuments: (store) => store.unlinkDocuments('job'),
  jobsLinkingTo: (store) => store.jobsLinkingTo('job', 1),
  redact: (store) => store.redact('job', 1),
  finishRemoval: (store) => store.finishRemoval('job', 1),
  claimEffects: (store) => store.claimEffects(buildClaim('a')),
  pendingEffects: (store) => store.pendingEffects('job'),
  completeEffect: (store) => store.completeEffect('job:1:0', 'a', sometime),
  failEffect: (store) => store.failEffect('job:1:0', 'a', 'no', null),
  reviveEffect: (store) => store.reviveEffect('job:1:0', sometime),
  releaseEffects: (store) => store.releaseEffects('a'),
  dropEffects: (store) => store.dropEffects('job', 1, sometime),
  scanEffects: (store) => collect(store.scanEffects({})),
  countEffects: (store) => store.countEffects(),
  beat: (store) => store.beat('process', sometime),
  readBeats: (store) => store.readBeats(),
  forgetProcess: (store) => store.forgetProcess('process'),
  putPipeline: (store) => store.putPipeline(pipeline, sometime),
  getPipeline: (store) => store.getPipeline('p'),
  listPipelines: (store) => store.listPipelines(),
  putDocument: (store) => store.putDocument('samples', { id: 'x' }),
  getDocument: (store) => store.getDocument('samples', 'x'),
  findDocuments: (store) => store.findDocuments(['samples'], ['x']),
  findFiles: (store) => store.findFiles('files', ['x']),
  claimArchive: (store) => store.claimArchive('/products/v2/x', 'job'),
  archiveOwner: (store) => store.archiveOwner('/products/v2/x'),
  releaseArchive: (store) => store.releaseArchive('/products/v2/x', 'job'),
  listLanes: (store) => store.listLanes(),
  readQueue: (store) => store.readQueue({ lanes: ['tag'], now: sometime, limit: 1 }),
  countQueue: (store) => store.countQueue(),
  listHolders: (store) => store.listHolders(),
  readHeld: (store) => store.readHeld('worker', 1),
  addWorker: (store) => store.addWorker(buildWorker()),
  getWorker: (store) => store.getWorker('worker'),
  listWorkers: (store) => store.listWorkers({ limit: 1 }),
  workerStatuses: (store) => store.workerStatuses(['worker']),
  beatWorker: (store) => store.beatWorker('worker', sometime, sometime),
  endWorker: (store) => store.endWorker('worker', 'inactive', sometime),
  silentWorkers: (store) => store.silentWorkers(sometime, 1),
  countWork: (store) => store.countWork('worker', { claimed: 1 }),
  watch: (store) => store.watch({ signal: new AbortController().signal }),
  putAudit: (store) => store.putAudit(buildAudit()),
  listAudit: (store) => store.listAudit(1),
  putOutput: (store) => store.putOutput('job', new Uint8Array(), sometime),
  readOutput: (store) => store.readOutput('job', 'output'),
  removeOutputs: (store) => store.removeOutputs('job', ['output']),
  looseOutputs: (store) => store.looseOutputs(sometime, 1),
  keepOutputs: (store) => store.keepOutputs(['output']),
  readRelatives: (store) => store.readRelatives(['job']),
  scanChildren: (store) => collect(store.scanChildren(['job'])),
  readChildren: (store) => store.readChildren('job', { limit: 1 }),
  countChildren: (store) => store.countChildren('job'),
  hasChildOutside: (store) => store.hasChildOutside('job', {}),
  addDataset: (store) => store.addDataset(buildDataset()),
  getDataset: (store) => store.getDataset('set'),
  listDatasets: (store) => store.listDatasets({ limit: 1 }),
  addSpecifications: (store) => store.addSpecifications('set', {}, sometime),
  addEntries: (store) => store.addEntries('set', []),
  listEntries: (store) => store.listEntries('set', { limit: 1 }),
  countEntries: (store) => store.countEntries('set'),
  addItems: (store) => store.addItems('set', []),
  listItems: (store) => store.listItems('set', { limit: 1 }),
  countItems: (store) => store.countItems('set'),
  inDatasets: (store) => store.inDatasets(['job']),
  removeItems: (store) => store.removeItems('set', []),
  removeDataset: (store) => store.removeDataset('set'),
};

/** The end of a store. */
export function describeClose(makeStore: MakeStore): void {
  describe('close', () => {
    const closed = useSharedStore(async () => {
      const store = await makeStore();
      await store.close();
      return store;
    });

    it.each(Object.entries(operations))('refuses %s from then on', async (_name, operate) => {
      await expect(operate(closed())).rejects.toThrow(StoreUnavailable);
    });

    it('may be repeated', async () => {
      await closed().close();
    });

    it('lets what was asked before come to its end', async () => {
      const store = await makeStore();
      const appending = Array.from({ length: 20 }, () => store.append(buildCommit()));
      await store.close();
      expect(new Set(await Promise.all(appending))).toEqual(new Set(['appended']));
    });
  });
}
