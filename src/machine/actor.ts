/**
 * Who can send an event: a job itself (by its callback token), a worker, a reader (who only looks),
 * an operator, an admin, or the system (timers and duties).
 */
export type ActorKind = 'job' | 'worker' | 'reader' | 'operator' | 'admin' | 'system';

/**
 * The sender of an event, as guards and entries see it: never a token.
 * `id` is the job's id for a job, else the subject that the token or the process names.
 */
export interface Actor {
  readonly kind: ActorKind;
  readonly id: string;
}
