import {
  context,
  INVALID_TRACEID,
  isSpanContextValid,
  propagation,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Span,
  type TextMapGetter,
} from '@opentelemetry/api';

/** Adds to the span what is known only later. `error.type`, a code, marks it as failed. */
export type Note = (attributes: Attributes) => void;

/** The headers of a request, by name in any case. */
export interface IncomingHeaders {
  get(name: string): string | null;
  keys(): Iterable<string>;
}

/** Without an SDK every span is empty and costs next to nothing; with one, this finds it, also later. */
const tracer = trace.getTracer('jobwright');

/**
 * Does the work within a span of this name. A failure is recorded by its code alone: messages may hold
 * what a caller sent. `work` is called at once, and its outcome is handed on as it is.
 */
export function traced<T>(
  name: string,
  attributes: Attributes,
  work: (note: Note) => Promise<T>,
): Promise<T> {
  return inSpan(name, SpanKind.INTERNAL, attributes, context.active(), work);
}

/** The same for a request that came in; the span follows on that of the sender's `traceparent`, if any. */
export function tracedRequest<T>(
  headers: IncomingHeaders,
  name: string,
  attributes: Attributes,
  work: (note: Note) => Promise<T>,
): Promise<T> {
  const parent = propagation.extract(context.active(), headers, headerGetter);
  return inSpan(name, SpanKind.SERVER, attributes, parent, work);
}

/** Id of the trace that the caller is in, for log lines. */
export function activeTraceId(): string | undefined {
  const active = trace.getActiveSpan()?.spanContext();
  return active && isSpanContextValid(active) ? active.traceId : undefined;
}

function inSpan<T>(
  name: string,
  kind: SpanKind,
  attributes: Attributes,
  parent: Context,
  work: (note: Note) => Promise<T>,
): Promise<T> {
  const span = tracer.startSpan(name, { kind, attributes }, parent);
  // The id of every span where there is no SDK; the library's own check is one by pattern.
  if (span.spanContext().traceId === INVALID_TRACEID) return work(ignore);
  return context.with(trace.setSpan(parent, span), async () => {
    try {
      return await work((later) => note(span, later));
    } catch (error) {
      note(span, { 'error.type': errorCode(error) });
      throw error;
    } finally {
      span.end();
    }
  });
}

const ignore: Note = () => undefined;

function note(span: Span, attributes: Attributes): void {
  span.setAttributes(attributes);
  if (attributes['error.type'] !== undefined) span.setStatus({ code: SpanStatusCode.ERROR });
}

/** A JobError's code, else the name of the error's class: a word of a program, never a message. */
function errorCode(error: unknown): string {
  const { code, name } = (error ?? {}) as { code?: unknown; name?: unknown };
  const word = [code, name].find((text) => typeof text === 'string' && /^\w{1,60}$/.test(text));
  return typeof word === 'string' ? word : 'UNKNOWN';
}

const headerGetter: TextMapGetter<IncomingHeaders> = {
  get: (headers, name) => headers.get(name) ?? undefined,
  keys: (headers) => [...headers.keys()],
};
