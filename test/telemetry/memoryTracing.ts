import { AsyncLocalStorage } from 'node:async_hooks';
import {
  context,
  propagation,
  ROOT_CONTEXT,
  trace,
  type Attributes,
  type AttributeValue,
  type Context,
  type ContextManager,
  type Span,
  type SpanContext,
  type SpanKind,
  type SpanStatus,
  type TextMapPropagator,
  type Tracer,
} from '@opentelemetry/api';

/** A span that has ended, with everything that was ever put on it. */
export interface EndedSpan {
  readonly name: string;
  readonly kind: SpanKind | undefined;
  readonly context: SpanContext;
  readonly parent: SpanContext | undefined;
  readonly attributes: Attributes;
  readonly status: SpanStatus | undefined;
  /** Events, exceptions and names that were added: none are wanted. */
  readonly extras: readonly unknown[];
}

/** Registers a tracer that keeps what has ended; as small as the interfaces of the API allow. */
export function traceInMemory(): { readonly ended: EndedSpan[]; disable(): void } {
  const ended: EndedSpan[] = [];
  let made = 0;
  const hex = (digits: number): string => (made += 1).toString(16).padStart(digits, '0');
  const startSpan: Tracer['startSpan'] = (name, options, parentContext = context.active()) => {
    const parent = trace.getSpanContext(parentContext);
    const traceId = parent?.traceId ?? hex(32);
    const own: SpanContext = { traceId, spanId: hex(16), traceFlags: 1 };
    const attributes: Record<string, AttributeValue | undefined> = { ...options?.attributes };
    const extras: unknown[] = [];
    let status: SpanStatus | undefined;
    const addExtra = (...extra: unknown[]): Span => (extras.push(extra), span);
    const span: Span = {
      spanContext: () => own,
      setAttribute: (key, value) => ((attributes[key] = value), span),
      setAttributes: (more) => (Object.assign(attributes, more), span),
      setStatus: (given) => ((status = given), span),
      isRecording: () => true,
      updateName: addExtra,
      addEvent: addExtra,
      addLink: addExtra,
      addLinks: addExtra,
      recordException: addExtra,
      end: () =>
        void ended.push({
          name,
          kind: options?.kind,
          context: own,
          parent,
          attributes,
          status,
          extras,
        }),
    };
    return span;
  };
  const startActiveSpan = (): never => {
    throw new Error('startActiveSpan is not used');
  };
  trace.setGlobalTracerProvider({ getTracer: () => ({ startSpan, startActiveSpan }) });
  context.setGlobalContextManager(asyncContexts());
  propagation.setGlobalPropagator(traceparent);
  return {
    ended,
    disable: () => [trace, context, propagation].forEach((each) => each.disable()),
  };
}

function asyncContexts(): ContextManager {
  const storage = new AsyncLocalStorage<Context>();
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (active, work, self, ...rest) => storage.run(active, () => work.call(self, ...rest)),
    bind: (_active, target) => target,
    enable: () => manager,
    disable: () => manager,
  };
  return manager;
}

const traceparent: TextMapPropagator = {
  fields: () => ['traceparent'],
  inject: () => undefined,
  extract: (parent, carrier, getter) => {
    const header = getter.get(carrier, 'traceparent');
    const [, traceId, spanId] =
      /^00-([0-9a-f]{32})-([0-9a-f]{16})-01$/.exec(typeof header === 'string' ? header : '') ?? [];
    if (traceId === undefined || spanId === undefined) return parent;
    return trace.setSpanContext(parent, { traceId, spanId, traceFlags: 1, isRemote: true });
  },
};
