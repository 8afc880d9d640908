import type { SetupInput } from '../jobs/setupInput.ts';
import type { OutputName } from '../records/outputs.ts';

export type { Attempt } from '../records/attempts.ts';
export type { RelativeView } from '../records/readRelations.ts';
export type { OutputName };

export interface GetJobsInput {
  /** At most 1,000. */
  readonly ids: readonly string[];
  /** Null in the place of a job that is not there, instead of JOB_NOT_FOUND for the call. */
  readonly missingOk?: boolean;
}

export interface CreateJobsInput {
  /** `pipelineJob` unless told otherwise. */
  readonly type?: string;
  /** At most 500. */
  readonly jobs: readonly SetupInput[];
  /** False sets up new jobs, however many alike there are. */
  readonly findExisting?: boolean | undefined;
  /** What is done with a match that is cancelled, deleted or invalid; `keep` unless told otherwise. */
  readonly stopped?: 'keep' | 'restore' | 'refuse' | undefined;
}

/** What became of one set-up of many; tokens are issued one by one. */
export type CreateOutcome =
  | {
      readonly index: number;
      readonly outcome: 'created' | 'existing';
      readonly id: string;
      readonly state: string;
      readonly version: number;
      /** Where it was found cancelled, deleted or invalid: what was done about that. */
      readonly stopped?: 'kept' | 'restored';
    }
  | {
      readonly index: number;
      readonly outcome: 'refused';
      readonly code: string;
      readonly message: string;
    };

/** Which output of which attempt. */
export interface OutputChoice<Name extends OutputName = OutputName> {
  readonly name: Name;
  /** Its number, or the newest one, which is the default. */
  readonly attempt?: number | 'latest' | undefined;
}
