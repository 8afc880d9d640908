import { describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../../src/errors.ts';
import type { Store } from '../../../src/store/store.ts';
import { buildAudit, buildClaim, buildCommit, collect, onePage, sometime } from './builders.ts';
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
  watch: (store) => store.watch({ signal: new AbortController().signal }),
  putAudit: (store) => store.putAudit(buildAudit()),
  listAudit: (store) => store.listAudit(1),
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
