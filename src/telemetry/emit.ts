import { EventEmitter } from 'node:events';

/** What the engine tells about itself. Names and shapes are public; job ids are, tokens never are. */
export interface TelemetryEvents {
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
