import type { WorkerProtocol } from '../records/workerProtocol.ts';
import { codeOf, isPassing, messageOf } from './fault.ts';
import { within } from './within.ts';
import type { TellEvent } from './workerEvent.ts';

/** A worker's time under one name: from its activation until it stops, or is found to be gone. */
export interface Life {
  readonly name: string;
  readonly leaseMs: number;
  readonly workers: WorkerProtocol;
  readonly tell: TellEvent;
  /** Raised when it is over; why, is its reason: an error, or nothing where it stopped by itself. */
  readonly over: AbortSignal;
  /** Raised when nothing more is to be claimed. */
  readonly quiet: AbortSignal;
  /**
   * Makes a call with a time of its own. Undefined where it failed: that is told, and ends this life unless
   * it may pass. What comes too late is given to `late`.
   */
  call<Given>(
    what: string,
    milliseconds: number,
    work: () => Promise<Given>,
    late?: (given: Given) => void,
  ): Promise<Given | undefined>;
  beQuiet(): void;
  end(reason?: unknown): void;
}

export function createLife(given: Pick<Life, 'name' | 'leaseMs' | 'workers' | 'tell'>): Life {
  const over = new AbortController();
  const quiet = new AbortController();
  const end = (reason?: unknown): void => {
    quiet.abort();
    over.abort(reason ?? null);
  };
  return {
    ...given,
    over: over.signal,
    quiet: quiet.signal,
    beQuiet: () => quiet.abort(),
    end,
    async call(what, milliseconds, work, late) {
      if (over.signal.aborted) return undefined;
      try {
        return await within(milliseconds, over.signal, work, late);
      } catch (error) {
        if (over.signal.aborted) return undefined;
        given.tell({
          event: 'trouble',
          call: what,
          code: codeOf(error),
          message: messageOf(error),
        });
        if (!isPassing(error)) end(error);
        return undefined;
      }
    },
  };
}
