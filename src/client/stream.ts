import { InvalidData, JobError } from '../errors.ts';
import { ProblemError, ServiceUnreachable } from './clientErrors.ts';
import { pause, pauseBefore } from './pause.ts';
import { readServerSentEvents } from './serverSentEvents.ts';
import { reasonOf, type Transport } from './transport.ts';
import type { StreamEntry, StreamFilter, StreamGap } from './wire.ts';

export interface StreamOptions {
  /** Ends the stream, without an error. */
  readonly signal?: AbortSignal | undefined;
  /** The `position` to go on after; without one it starts now. */
  readonly lastEventId?: string | undefined;
  /** Told each time the stream is open: from then on no entry is missed. */
  readonly onOpen?: (() => void) | undefined;
  /** Told why the stream broke, before it is opened anew. That the service ends it now and then is no break. */
  readonly onBreak?: ((error: Error) => void) | undefined;
}

/** The service says something at least every 15 s; three times that in silence is a dead connection. */
const silenceMs = 45_000;

/** So many failures to open it for the first time are enough. */
const firstAttempts = 4;

/**
 * Entries as they are accepted. A stream that breaks is opened again, by itself and for ever, from where
 * it was. Throws ProblemError where the service refuses it, ServiceUnreachable where it never opened.
 */
export async function* openStream(
  transport: Transport,
  filter: StreamFilter,
  options: StreamOptions,
): AsyncGenerator<StreamEntry | StreamGap, void, undefined> {
  const { signal, onBreak } = options;
  let position = options.lastEventId;
  let failures = 0;
  let hasOpened = false;
  const onOpen = (): void => {
    hasOpened = true;
    options.onOpen?.();
  };
  while (!signal?.aborted) {
    const connection = connect(signal);
    let failure: Error | undefined;
    const onId = (id: string): void => void (position = id);
    try {
      for await (const item of readOnce(transport, filter, position, {
        connection,
        onOpen,
        onId,
      })) {
        position = item.position || position;
        failures = 0;
        yield item;
        if (signal?.aborted) return;
      }
    } catch (error) {
      failure = toFailure(error, transport);
    } finally {
      connection.end();
    }
    if (signal?.aborted) return;
    failures += 1;
    if (failure) {
      if (isFinal(failure) || (!hasOpened && failures >= firstAttempts)) throw failure;
      onBreak?.(failure);
    }
    await pause(pauseBefore(failures), signal).catch(() => undefined);
  }
}

interface Connection {
  readonly signal: AbortSignal;
  /** Something came: it is alive. */
  readonly touch: () => void;
  readonly end: () => void;
}

/** One connection's life: it ends with the caller's signal, or after too long a silence. */
function connect(outer: AbortSignal | undefined): Connection {
  const ending = new AbortController();
  const abort = (): void => ending.abort(outer?.reason);
  const fallSilent = (): void =>
    ending.abort(new DOMException(`nothing came for ${silenceMs / 1_000} s`, 'TimeoutError'));
  let timer = setTimeout(fallSilent, silenceMs);
  outer?.addEventListener('abort', abort, { once: true });
  return {
    signal: ending.signal,
    touch: () => {
      clearTimeout(timer);
      timer = setTimeout(fallSilent, silenceMs);
    },
    end: () => {
      clearTimeout(timer);
      outer?.removeEventListener('abort', abort);
      ending.abort();
    },
  };
}

interface Life {
  readonly connection: Connection;
  readonly onOpen: () => void;
  readonly onId: (id: string) => void;
}

async function* readOnce(
  transport: Transport,
  filter: StreamFilter,
  position: string | undefined,
  { connection, onOpen, onId }: Life,
): AsyncGenerator<StreamEntry | StreamGap> {
  const { body } = await transport.open({
    method: 'GET',
    path: '/v1/stream',
    query: { ...filter },
    signal: connection.signal,
    headers: {
      Accept: 'text/event-stream',
      ...(position !== undefined && { 'Last-Event-ID': position }),
    },
  });
  if (!body) throw new TypeError('the answer has no body');
  onOpen();
  const signs = { onBytes: connection.touch, onId };
  for await (const { event, data, id } of readServerSentEvents(body, signs)) {
    if (event === 'gap') yield { gap: true, position: id };
    if (event === 'entry') yield { ...readEntry(data), position: id };
  }
}

function readEntry(data: string): Omit<StreamEntry, 'position'> {
  try {
    return JSON.parse(data) as Omit<StreamEntry, 'position'>;
  } catch {
    throw new InvalidData('stream', [{ path: 'data', message: 'it is not JSON' }]);
  }
}

const toFailure = (error: unknown, { url }: Transport): Error =>
  error instanceof JobError
    ? error
    : new ServiceUnreachable(url, reasonOf(error), { cause: error });

/** A refusal stays one; a service that is busy or stops will be there again. */
function isFinal(error: Error): boolean {
  if (error instanceof ServiceUnreachable) return false;
  return !(error instanceof ProblemError) || (error.status < 500 && error.status !== 429);
}
