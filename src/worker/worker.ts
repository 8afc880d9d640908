import type { Activation, WorkerProtocol, WorkerView } from '../records/workerProtocol.ts';
import { codeOf, isPassing, messageOf } from './fault.ts';
import { createBackOff, pause } from './pause.ts';
import type { Run } from './run.ts';
import { openSession, type Session } from './session.ts';
import type { TellEvent } from './workerEvent.ts';
import { within } from './within.ts';

export interface WorkerOptions extends Activation {
  /** The service: `createWorkers(engine, …)` in its process, `client.workers` from elsewhere. */
  readonly workers: WorkerProtocol;
  /** Does the work of one job. */
  readonly run: Run;
  /** Jobs that run at once. Default 1. */
  readonly concurrency?: number | undefined;
  /** The longest pause, in milliseconds, between two claims that give nothing. Default 2,000. */
  readonly pollMs?: number | undefined;
  /** Stops by itself once a claim gives nothing and nothing is left to do. */
  readonly untilEmpty?: boolean | undefined;
  readonly onEvent?: TellEvent | undefined;
}

export interface Worker {
  /** Its name now; undefined before it is active. Another one after it was lost. */
  readonly name: string | undefined;
  /** Activates it and lets it work. Resolves once it is active, or stopped before; rejects where it is refused. */
  start(): Promise<void>;
  /**
   * Claims no more. With `drain`, which is the default, waits for what runs; without, raises its signals and
   * gives it back; also after a call with. Resolves once all is delivered, or 30 s were not enough for it, and
   * the worker is deactivated.
   */
  stop(options?: { readonly drain?: boolean }): Promise<void>;
  /** Resolves when it has stopped; rejects where nothing can be done, such as with a token that is refused. */
  readonly ended: Promise<void>;
}

/**
 * A worker: claims jobs, runs them, and reports what came of them; the same in process and over HTTP. Says
 * three times in each lease that it lives; delivers its reports until they are taken, whatever the service
 * does meanwhile; drops what was taken from it, and goes on under another name where all was.
 *
 * ```ts
 * const worker = createWorker({ workers: client.workers, programs: { square: '1' }, run: async ({ data }) => ({ result: … }) });
 * await worker.start();
 * ```
 */
export function createWorker(options: WorkerOptions): Worker {
  const { onEvent } = options;
  const stopping = new AbortController();
  const state: { name?: string; session?: Session; drain: boolean } = { drain: true };
  const active = createOutcome();
  const ended = createOutcome();
  let isStarted = false;
  const tell: TellEvent = (event) => {
    try {
      onEvent?.(event);
    } catch (error) {
      process.emitWarning(`a listener of worker events threw: ${messageOf(error)}`);
    }
  };

  const live = async (): Promise<void> => {
    const names = createNames(options.name);
    for (;;) {
      const view = await activate(options, names, tell, stopping.signal);
      if (!view) return;
      state.name = view.name;
      tell({ event: 'activated', worker: view.name });
      state.session = openSession(view, sessionOptions(options, tell));
      if (stopping.signal.aborted) state.session.stop(state.drain);
      active.resolve();
      if (await state.session.ended) return;
      if (stopping.signal.aborted) return;
    }
  };

  return {
    get name() {
      return state.name;
    },
    ended: ended.promise,
    start() {
      if (!isStarted) {
        isStarted = true;
        live()
          .then(() => {
            active.resolve();
            ended.resolve();
          })
          .catch((error: unknown) => {
            active.reject(error);
            ended.reject(error);
          });
      }
      return active.promise;
    },
    stop({ drain = true } = {}) {
      if (!isStarted) ended.resolve();
      state.drain &&= drain;
      stopping.abort();
      state.session?.stop(state.drain);
      return ended.promise;
    },
  };
}

interface Outcome {
  readonly promise: Promise<void>;
  resolve(): void;
  reject(error: unknown): void;
}

function createOutcome(): Outcome {
  const ends: Partial<Pick<Outcome, 'resolve' | 'reject'>> = {};
  const promise = new Promise<void>((resolve, reject) => {
    ends.resolve = resolve;
    ends.reject = reject;
  });
  // Whoever does not look at it is told by an event.
  promise.catch(() => undefined);
  return {
    promise,
    resolve: () => ends.resolve?.(),
    reject: (error) => ends.reject?.(error),
  };
}

const sessionOptions = (options: WorkerOptions, tell: TellEvent) => {
  const { workers, run, concurrency = 1, pollMs = 2_000, untilEmpty = false } = options;
  return { workers, run, concurrency, pollMs, untilEmpty, tell };
};

/** Names for one life after another. */
interface Names {
  current(): string | undefined;
  /** The name is taken for good, maybe by an attempt of ours without an answer. */
  next(): void;
  is(name: string): void;
}

/** So many are tried in order before a part of the name is drawn. */
const inOrder = 20;

function createNames(given: string | undefined): Names {
  let base = given;
  let number = 1;
  return {
    current() {
      if (base === undefined || number === 1) return base;
      return `${base}~${number <= inOrder ? number : crypto.randomUUID().slice(0, 8)}`;
    },
    next: () => void (number += 1),
    is(name) {
      base ??= name;
      number += 1;
    },
  };
}

const activateMs = 30_000;

/** Activates until it is; undefined where the signal was raised before. Rejects with what does not pass. */
async function activate(
  { workers, tags, programs, leaseSeconds }: WorkerOptions,
  names: Names,
  tell: TellEvent,
  stopping: AbortSignal,
): Promise<WorkerView | undefined> {
  const backOff = createBackOff(200, 10_000);
  while (!stopping.aborted) {
    const activation = { name: names.current(), tags, programs, leaseSeconds };
    try {
      const view = await within(activateMs, stopping, () => workers.activate(activation));
      names.is(view.name);
      return view;
    } catch (error) {
      if (stopping.aborted) return undefined;
      const code = codeOf(error);
      if (code === 'WORKER_EXISTS') {
        names.next();
        continue;
      }
      tell({ event: 'trouble', call: 'activate', code, message: messageOf(error) });
      if (!isPassing(error)) throw error;
      await pause(backOff.next(), stopping);
    }
  }
  return undefined;
}
