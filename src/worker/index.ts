/** jobwright/worker: the process that claims jobs, does their work and reports what came of it. */
export type {
  Activation,
  ClaimedJob,
  ClaimRequest,
  Heartbeat,
  HeartbeatAnswer,
  Held,
  Progress,
  ReportOutcome,
  Result,
  WorkerProtocol,
  WorkerView,
} from '../records/workerProtocol.ts';
export type { Done, Run, RunTools } from './run.ts';
export { RunFailed } from './runFailed.ts';
export { runProgram, type ProgramOptions } from './runProgram.ts';
export { createWorker, type Worker, type WorkerOptions } from './worker.ts';
export type { TellEvent, WorkerEvent } from './workerEvent.ts';
