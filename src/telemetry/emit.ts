import { EventEmitter } from 'node:events';

/** What the engine tells about itself. Names and shapes are public; job ids are, tokens never are. */
export interface TelemetryEvents {
  /** A commit is durable; `seq` is that of its first entry, `events` the names of all of them. */
  'job.committed': { jobId: string; type: string; seq: number; events: readonly string[] };
  /**
   * A request was refused, or nobody knows. `type` and `event` are names that are registered, or
   * `unknown`; `code` is the refusal's, or `INTERNAL`.
   */
  'job.refused': { jobId: string; type: string; event: string; code: string };
  'commit.batch': { size: number; milliseconds: number };
  'commit.conflict': { jobId: string };
  'commit.unknown': { jobId: string; error: string };
  'projection.written': { jobs: number; lagMilliseconds: number };
  'projection.failed': { jobs: number; error: string };
  'projection.repaired': { jobs: number; process: string };
  'effect.done': { jobId: string; effect: string; seq: number; attempts: number };
  'effect.failed': { jobId: string; effect: string; seq: number; attempts: number; error: string };
  'effect.parked': { jobId: string; effect: string; seq: number; attempts: number; error: string };
  'timer.fired': { jobId: string; timer: string };
  'history.long': { jobId: string; entries: number };
  'duty.failed': { duty: string; error: string };
  'embedded.progress': { step: string; detail: string };
  /** Answered, whatever the answer; `route` is the pattern of the route, never the URL. */
  'http.request': {
    method: string;
    route: string;
    status: number;
    milliseconds: number;
    requestId: string;
    actor: { readonly kind: string; readonly id: string } | null;
    jobId?: string;
  };
  /** A request ended with what is no refusal: a mistake of ours, or of a machine. */
  'http.failed': { requestId: string; error: string };
  'stream.opened': Readonly<Record<string, never>>;
  'stream.closed': Readonly<Record<string, never>>;
  /** Somebody without the right tried what only an admin may do. */
  'admin.refused': { action: string; code: string };
  'service.started': { listening: string };
  'service.stopping': { reason: string };
}

export type TelemetryName = keyof TelemetryEvents;

/**
 * The one channel from logic to log lines and counters: logic emits, src/telemetry/log.ts writes.
 * A listener that throws does not reach the emitter's caller.
 */
export class Telemetry {
  readonly #emitter = new EventEmitter();

  emit<N extends TelemetryName>(name: N, event: TelemetryEvents[N]): void {
    if (this.#emitter.listenerCount(name) > 0) this.#emitter.emit(name, event);
  }

  /** Whether anybody listens, for where the event itself costs something to make. */
  isHeard(name: TelemetryName): boolean {
    return this.#emitter.listenerCount(name) > 0;
  }

  /** Listens; returns the function that stops listening. */
  on<N extends TelemetryName>(name: N, listener: (event: TelemetryEvents[N]) => void): () => void {
    const safe = (event: TelemetryEvents[N]): void => {
      try {
        listener(event);
      } catch (error) {
        process.emitWarning(`telemetry listener of ${name} threw: ${String(error)}`);
      }
    };
    this.#emitter.on(name, safe);
    return () => this.#emitter.off(name, safe);
  }
}
