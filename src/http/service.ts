import type { Engine } from '../jobs/engine.ts';
import { metricsSources } from '../jobs/metricsSources.ts';
import { createRegistries, type Documents, type Pipelines } from '../jobs/registries.ts';
import { attachMetrics, type Metrics } from '../telemetry/metrics.ts';
import { createAudit, type Audit } from './audit.ts';
import { allowedHosts } from './hosts.ts';
import { openApiOf } from './openApi.ts';
import { routes } from './routes/index.ts';
import { createStreams, type Streams } from './streams.ts';

export interface Health {
  readonly status: 'ok' | 'stopping' | 'unavailable';
  readonly reason?: string;
}

/** What the routes share beside the engine: made once a process. */
export interface Service {
  readonly engine: Engine;
  readonly registries: { readonly pipelines: Pipelines; readonly documents: Documents };
  readonly audit: Audit;
  readonly streams: Streams;
  /** Host names under which it answers. */
  readonly hosts: ReadonlySet<string>;
  readonly metrics: Metrics;
  openApi(): unknown;
  readiness(): Promise<Health>;
  /** Readiness goes off and streams end; what is in flight goes on. */
  beginStop(): void;
  /** Resolves once nothing of its own is left to write. */
  settle(): Promise<void>;
}

export interface ServiceOptions {
  /** Further host names under which it answers: where it listens. */
  readonly hosts?: readonly string[];
  /** Milliseconds between two signs of life on a stream. */
  readonly heartbeatMs?: number;
}

const usualHeartbeatMs = 15_000;

export function createService(engine: Engine, options: ServiceOptions = {}): Service {
  const { hosts = [], heartbeatMs = usualHeartbeatMs } = options;
  let isStopping = false;
  const audit = createAudit(engine);
  const streams = createStreams(engine, heartbeatMs);
  const patterns = routes.map(({ path }) => path);
  const metrics = attachMetrics(engine.telemetry, metricsSources(engine, patterns));
  let document: unknown;
  return {
    engine,
    registries: createRegistries(engine),
    audit,
    streams,
    hosts: allowedHosts(new URL(engine.publicUrl).hostname, ...hosts),
    metrics,
    openApi: () => (document ??= openApiOf()),
    async readiness() {
      if (isStopping) return { status: 'stopping' };
      if (await succeedsInTime(engine.store.readBeats())) return { status: 'ok' };
      return { status: 'unavailable', reason: 'the store does not answer' };
    },
    beginStop() {
      isStopping = true;
      streams.end();
    },
    async settle() {
      await audit.settle();
      metrics.detach();
    },
  };
}

/** Milliseconds: who asks whether it is ready has given up long before the driver does. */
const patienceMs = 2_000;

async function succeedsInTime(work: Promise<unknown>): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<boolean>((resolve) => {
    timer = setTimeout(() => resolve(false), patienceMs);
    timer.unref();
  });
  const succeeds = work.then(
    () => true,
    () => false,
  );
  try {
    return await Promise.race([succeeds, late]);
  } finally {
    clearTimeout(timer);
  }
}
