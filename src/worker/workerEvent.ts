import type { Result } from '../records/workerProtocol.ts';

/** What a worker tells as it goes along. */
export type WorkerEvent =
  | { readonly event: 'activated'; readonly worker: string }
  | {
      readonly event: 'claimed';
      readonly worker: string;
      readonly id: string;
      readonly epoch: number;
    }
  | {
      readonly event: 'reported';
      readonly worker: string;
      readonly id: string;
      readonly epoch: number;
      readonly outcome: Result['outcome'];
      /** The job's state after it: `waiting` after an error that is retried. */
      readonly state: string;
    }
  /** A report was not taken, and is not made again. */
  | {
      readonly event: 'refused';
      readonly worker: string;
      readonly id: string;
      readonly epoch: number;
      readonly code: string;
      readonly message: string;
    }
  /** The job was taken from it while it ran: its signal is raised and its result dropped. */
  | {
      readonly event: 'abandoned';
      readonly worker: string;
      readonly id: string;
      readonly epoch: number;
      readonly state: string;
    }
  /** It was silent for too long: what it ran is dropped, and it goes on under another name. */
  | { readonly event: 'lost'; readonly worker: string; readonly code: string }
  /** A call failed; where that may pass, it is made again. */
  | {
      readonly event: 'trouble';
      readonly call: string;
      readonly code: string;
      readonly message: string;
    }
  | { readonly event: 'stopped'; readonly worker: string };

export type TellEvent = (event: WorkerEvent) => void;
