import { Buffer } from 'node:buffer';
import type { Principal } from '../auth/authorise.ts';
import { JobError } from '../errors.ts';
import type { Engine } from '../jobs/engine.ts';
import type { EntryWatch } from '../jobs/entryFeed.ts';
import type { EntryFilter, FollowedEntry } from '../jobs/entryFollower.ts';
import { watchEntries } from '../jobs/watchEntries.ts';
import { standingHeaders } from './problem.ts';
import { RequestError } from './requestError.ts';

export interface Follow {
  readonly principal: Principal;
  readonly filter: EntryFilter;
  /** Position of the last entry that the client has seen. */
  readonly after: string | undefined;
  /** Ends the connection of a client that does not read. */
  readonly hangUp: (() => void) | undefined;
}

/** The live streams of this process. */
export interface Streams {
  /** A stream of server-sent events; its headers go out once nothing can be missed any more. */
  open(follow: Follow): Promise<Response>;
  /** Ends all of them; clients come again, elsewhere. */
  end(): void;
}

/** How many signs of life in a row a client may leave unread. */
const patience = 4;
/** Milliseconds after which a client that was cut off is to come again. */
const retryMs = 1_000;
/** The longest that a timer can wait. */
const longestTimer = 2_147_483_647;

export function createStreams(engine: Engine, heartbeatMs: number): Streams {
  const open = new Map<string, number>();
  const all = new AbortController();

  const enter = ({ actor }: Principal): (() => void) => {
    const name = `${actor.kind}:${actor.id}`;
    const count = (open.get(name) ?? 0) + 1;
    const { streams } = engine.limits;
    if (count > streams) {
      throw new RequestError(
        'TOO_MANY_STREAMS',
        `${actor.kind} ${actor.id} has ${streams} streams open here; close one, or follow several jobs by one filter`,
      );
    }
    open.set(name, count);
    engine.telemetry.emit('stream.opened', {});
    return () => {
      const left = (open.get(name) ?? 1) - 1;
      if (left > 0) open.set(name, left);
      else open.delete(name);
      engine.telemetry.emit('stream.closed', {});
    };
  };

  return {
    async open({ principal, filter, after, hangUp }) {
      if (all.signal.aborted) throw stopping();
      const leave = enter(principal);
      const ended = new AbortController();
      const signal = AbortSignal.any([all.signal, ended.signal]);
      try {
        const entries = await watchEntries(engine, filter, { signal, after });
        const end = (): void => {
          if (ended.signal.aborted) return;
          ended.abort();
          leave();
        };
        const expiry = principal.token?.expiresAt;
        const body = streamOf(entries, { heartbeatMs, end, hangUp, expiry, now: engine.now });
        return new Response(body, {
          headers: {
            ...standingHeaders,
            'Content-Type': 'text/event-stream; charset=utf-8',
            // A proxy that gathers before it passes on would make it late.
            'X-Accel-Buffering': 'no',
          },
        });
      } catch (error) {
        leave();
        throw error;
      }
    },
    end: () => all.abort(),
  };
}

interface StreamRules {
  readonly heartbeatMs: number;
  /** Called once, however the stream ends. */
  readonly end: () => void;
  readonly hangUp: (() => void) | undefined;
  /** When the token ends, and the stream with it. */
  readonly expiry: number | undefined;
  readonly now: () => number;
}

/**
 * Entries as text, fetched as the client reads. One that does not read is cut off: by its full queue, or
 * by the signs of life that it leaves unread.
 */
function streamOf(
  entries: EntryWatch,
  { heartbeatMs, end, hangUp, expiry, now }: StreamRules,
): ReadableStream<Uint8Array> {
  const iterator = entries[Symbol.asyncIterator]();
  let unread = 0;
  let isOver = false;
  const timers: NodeJS.Timeout[] = [];
  const stop = (): void => {
    isOver = true;
    for (const timer of timers) clearTimeout(timer);
    end();
  };
  const cutOff = (controller: ReadableStreamDefaultController, reason: unknown): void => {
    // Whoever has left already, as after HEAD, may still be getting the headers.
    if (isOver) return;
    stop();
    // An error of the stream would be written to the console by the server.
    if (hangUp) hangUp();
    else controller.error(reason);
  };
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        // The place to go on from, should nothing come before the connection is lost.
        controller.enqueue(encode(`retry: ${retryMs}\nid: ${entries.start}\n\n`));
        // Also of a client that does not read, and so never asks for what comes next.
        entries.ended.addEventListener('abort', () => {
          const reason: unknown = entries.ended.reason;
          if (reason instanceof JobError) cutOff(controller, reason);
        });
        const beat = (): void => {
          if ((controller.desiredSize ?? 0) > 0) {
            unread = 0;
            controller.enqueue(encode(': heartbeat\n\n'));
            return;
          }
          unread += 1;
          if (unread >= patience) cutOff(controller, new Error('the client does not read'));
        };
        timers.push(setInterval(beat, heartbeatMs));
        if (expiry === undefined) return;
        const left = Math.min(Math.max(expiry - now(), 0), longestTimer);
        timers.push(setTimeout(end, left));
      },
      async pull(controller) {
        try {
          const next = await iterator.next();
          if (isOver) return;
          if (next.done) {
            stop();
            controller.close();
          } else controller.enqueue(encode(messageOf(next.value)));
        } catch (error) {
          cutOff(controller, error);
        }
      },
      async cancel() {
        stop();
        await iterator.return?.();
      },
    },
    // A few messages ahead of the client.
    { highWaterMark: 16 },
  );
}

function messageOf(item: FollowedEntry): string {
  if ('entry' in item) {
    return `id: ${item.position}\nevent: entry\ndata: ${JSON.stringify(item.entry)}\n\n`;
  }
  const data = { message: 'entries before this place could not be given; read the jobs anew' };
  return `id: ${item.position}\nevent: gap\ndata: ${JSON.stringify(data)}\n\n`;
}

const encode = (text: string): Uint8Array => Buffer.from(text);

const stopping = (): RequestError =>
  new RequestError('STOPPING', 'This process is stopping; come again in a moment');
