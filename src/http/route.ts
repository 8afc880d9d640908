import type { z } from 'zod';
import type { Action, Principal } from '../auth/authorise.ts';
import type { Engine } from '../jobs/engine.ts';
import type { Service } from './service.ts';

export type Method = 'GET' | 'POST' | 'PUT' | 'DELETE';

/**
 * Who may come: a row of the table of rights; or anyone at all; or anyone on this machine and whoever
 * has that right from elsewhere.
 */
export type Access = Action | 'anyone' | { readonly elsewhere: Action };

/** One row of the route table: all that the service, its documents and its tests know of a route. */
export interface Route {
  readonly method: Method;
  /** With parameters in braces: `/v1/jobs/{id}`. */
  readonly path: string;
  readonly access: Access;
  readonly summary: string;
  /** The token may also stand in the query and in the body: outside systems only know a URL. */
  readonly takesTokenAnywhere?: boolean;
  readonly query?: z.ZodObject;
  readonly body?: z.ZodType;
  /** Bytes that a body may have where the usual limit is less: for many things at once. */
  readonly bodyBytes?: number;
  /** The request headers it heeds beside authorization. */
  readonly headers?: readonly ('Idempotency-Key' | 'If-Match' | 'Last-Event-ID')[];
  /** Success: status → schema of the JSON answer, or the media type of another one. */
  readonly answers: Readonly<Record<number, z.ZodType | string>>;
  /** Refusals beside those of every route: status → when. */
  readonly refusals?: Readonly<Record<number, string>>;
  readonly handle: (call: Call) => Promise<Answer | Response> | Answer | Response;
}

/** A request that has been checked: of whom, on what, with what. */
export interface Call {
  readonly service: Service;
  readonly engine: Engine;
  /** Who calls; where anyone may come, a placeholder that stands for nobody and is not to be authorised. */
  readonly principal: Principal;
  readonly params: Readonly<Record<string, string>>;
  readonly query: unknown;
  /** Parsed by the route's schema. */
  readonly body: unknown;
  readonly headers: Headers;
  /** Idempotency-Key, checked. */
  readonly key: string | undefined;
  /** If-Match. */
  readonly ifVersion: number | undefined;
  readonly requestId: string;
  /** Ends the connection at once; absent where the app is called without one. */
  readonly hangUp: (() => void) | undefined;
}

export interface Answer {
  /** 200 unless told otherwise. */
  readonly status?: number;
  /** What is to be sent as JSON; or the JSON text itself, where that is at hand. */
  readonly body: unknown;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A body that is JSON text already. */
export class JsonText {
  readonly text: string;

  constructor(text: string) {
    this.text = text;
  }
}

/** A route whose handler knows the types of its query and body. */
export function defineRoute<
  Query extends z.ZodObject = z.ZodObject<Record<string, never>>,
  Body extends z.ZodType = z.ZodUndefined,
>(
  route: Omit<Route, 'handle' | 'query' | 'body'> & {
    readonly query?: Query;
    readonly body?: Body;
    readonly handle: (
      call: Omit<Call, 'query' | 'body'> & {
        readonly query: z.output<Query>;
        readonly body: z.output<Body>;
      },
    ) => Promise<Answer | Response> | Answer | Response;
  },
): Route {
  // The app gives the handler what these very schemas have parsed.
  return route as unknown as Route;
}
