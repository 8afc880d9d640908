import { describe } from 'vitest';
import { describeAppend } from './append.ts';
import { describeAppendProperty } from './appendProperty.ts';
import { describeArchiveClaims } from './archiveClaims.ts';
import { describeAudit } from './audit.ts';
import { describeBeats } from './beats.ts';
import { describeClose } from './close.ts';
import { describeCounts } from './counts.ts';
import { describeDatasets } from './datasets.ts';
import { describeDocuments } from './documents.ts';
import { describeEffectOutcomes } from './effectOutcomes.ts';
import { describeFindDocuments } from './findDocuments.ts';
import { describeLinks } from './links.ts';
import { describeListJobs } from './listJobs.ts';
import { describeOutbox } from './outbox.ts';
import { describeOutboxCare } from './outboxCare.ts';
import { describeOutputs } from './outputs.ts';
import { describePipelines } from './pipelines.ts';
import { describeProjection } from './projection.ts';
import { describeReadCommits } from './readCommits.ts';
import { describeQueue } from './queue.ts';
import { describeRedact } from './redact.ts';
import { describeRelations } from './relations.ts';
import { describeRemoval } from './removal.ts';
import { describeTimers } from './timers.ts';
import { describeWatch } from './watch.ts';
import { describeWorkers } from './workers.ts';
import type { MakeStore } from './useStore.ts';

const groups: readonly ((makeStore: MakeStore) => void)[] = [
  describeAppend,
  describeAppendProperty,
  describeReadCommits,
  describeProjection,
  describeListJobs,
  describeTimers,
  describeLinks,
  describeRedact,
  describeRemoval,
  describeOutbox,
  describeEffectOutcomes,
  describeOutboxCare,
  describeBeats,
  describeCounts,
  describePipelines,
  describeDocuments,
  describeFindDocuments,
  describeArchiveClaims,
  describeWatch,
  describeAudit,
  describeRelations,
  describeDatasets,
  describeOutputs,
  describeQueue,
  describeWorkers,
  describeClose,
];

/** Registers all that a store must do. `makeStore` opens one that holds nothing yet, at every call. */
export function describeStore(name: string, makeStore: MakeStore): void {
  describe(name, () => groups.forEach((group) => group(makeStore)));
}
