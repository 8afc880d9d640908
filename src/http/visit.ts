import type { Context } from 'hono';
import type { Principal } from '../auth/authorise.ts';
import type { Route } from './route.ts';

/** What the Node server tells of a connection; nothing where the app is called without one. */
export interface Connection {
  readonly incoming?: { readonly socket?: { readonly remoteAddress?: string | undefined } };
  readonly outgoing?: { destroy(): unknown };
}

export type HttpContext = Context<{ Bindings: Connection }>;

/** What is known of a request while it is worked on, for the log and the audit. */
export interface Visit {
  readonly route: Route | undefined;
  readonly requestId: string;
  readonly started: number;
  principal?: Principal;
  jobId?: string;
}

/** Ends the connection; nothing where there is none. */
export function hangUpOf({ env }: HttpContext): (() => void) | undefined {
  const outgoing = (env as Connection | undefined)?.outgoing;
  return outgoing && (() => void outgoing.destroy());
}
