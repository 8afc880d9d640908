/** jobwright: long-running jobs as explicit finite state machines. */
export { commonEvents, modified, type QueueWish } from '../machines/commonEvents.ts';
export { pipelineJob, record } from '../machines/index.ts';
export type { RecordContext, RecordState } from '../machines/recordEvents.ts';
export type { RetryPolicy } from '../machines/retryPolicy.ts';
export type { Principal } from './auth/authorise.ts';
export type { SecretKey } from './auth/secrets.ts';
export type { TokenClaim } from './auth/tokens.ts';
export type { AsWhom, Bulk } from './bulk/bulk.ts';
export type { BulkRequest } from './bulk/bulkRequest.ts';
export type { BulkCounts, BulkOutcome, RelativeCounts } from './bulk/outcome.ts';
export type { BulkPlan } from './bulk/planBulk.ts';
export type { BulkRunView } from './bulk/readRun.ts';
export type { BulkAnswer, RunOptions as BulkRunOptions } from './bulk/runBulk.ts';
export * from './errors.ts';
export type { Chain } from './jobs/chain.ts';
export type { CountFilter, Counts } from './jobs/readCounts.ts';
export type { JobHandle } from './jobs/jobHandle.ts';
export { JobManager } from './jobs/jobManager.ts';
export { ManagedPipelineJob, type ManagedPipelineJobOptions } from './jobs/managedPipelineJob.ts';
export {
  ManagedPipelineJobInstance,
  type EventMessage,
  type ManagedPipelineJobInstanceOptions,
} from './jobs/managedPipelineJobInstance.ts';
export type { AllowedEventView, Entry, JobView } from './jobs/jobView.ts';
export type { OpenOptions } from './jobs/openEngine.ts';
export type { History } from './jobs/readHistory.ts';
export type { GetOptions } from './jobs/getJobs.ts';
export type { SetupInput } from './jobs/setupInput.ts';
export type { Added, DatasetSummary, DatasetView } from './records/datasetCare.ts';
export type {
  DatasetInput,
  EntryInput,
  PairFilter,
  SubmitOptions,
} from './records/datasetInput.ts';
export type { ItemView } from './records/datasetItems.ts';
export type { DatasetBulkRequest, Datasets } from './records/datasets.ts';
export type { DatasetStatus } from './records/datasetStatus.ts';
export type { RefusedPair, Submitted } from './records/submitDataset.ts';
export type { RelativePage, RelativeView } from './records/readRelations.ts';
export type { SetupManyOptions, SetupOutcome } from './jobs/setupMany.ts';
export { verifyExport } from './jobs/verifyExport.ts';
export type { Problem, VerifyReport } from './jobs/verifyReport.ts';
export type { Actor, ActorKind } from './machine/actor.ts';
export {
  defineMachine,
  type EventsOf,
  type Lease,
  type MachineDefinition,
  type QueuePlace,
  type Work,
  type WorkView,
} from './machine/define.ts';
export { mermaid, transitionTable } from './machine/diagram.ts';
export type { EffectHandler, EffectRun } from './machine/effect.ts';
export type { MachineEvent } from './machine/event.ts';
export type { Attempt } from './records/attempts.ts';
export type { Stopped } from './records/findOrCreate.ts';
export type { WorkerListing } from './records/listWorkers.ts';
export type { OutputName } from './records/outputs.ts';
export type { WaitingReason, WhyWaiting } from './records/whyWaiting.ts';
export type { Workers } from './records/workers.ts';
export type { LinkedDocument, Links, Pipeline } from './store/store.ts';
export { Telemetry, type TelemetryEvents } from './telemetry/emit.ts';
export * from './worker/index.ts';
