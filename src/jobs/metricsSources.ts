import type { MetricsSources } from '../telemetry/metrics.ts';
import type { Engine } from './engine.ts';

/** The effects that an entry may ask for beside those of its machine. */
const engineEffects = ['clearArchive', 'sendReady', 'unlinkDocuments'];

/** What metrics need of an engine: the registered names, and the outbox. `routes` are those of the service. */
export const metricsSources = (
  { registry, store }: Engine,
  routes: readonly string[],
): MetricsSources => ({
  machines: registry.list().map(({ name, definition }) => ({
    name,
    events: Object.keys(definition.events),
    effects: [...engineEffects, ...Object.keys(definition.effects ?? {})],
  })),
  routes,
  countEffects: () => store.countEffects(),
});
