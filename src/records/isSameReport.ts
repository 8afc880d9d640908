import type { Engine } from '../jobs/engine.ts';
import type { LiveJob } from '../jobs/liveJob.ts';
import { loadJobAt } from '../jobs/loadJob.ts';
import type { EventInput } from '../jobs/request.ts';
import { storedJsonLimits } from '../limits.ts';
import { canonicalJson } from '../machine/canonicalJson.ts';
import { outputsOf } from './outputs.ts';

/**
 * The job right after a report that was accepted under this key, if it said the same as this event: outputs
 * that were stored beside the log twice are compared by what is in them. Null where it said anything else.
 */
export async function isSameReport(
  { store, registry }: Engine,
  jobId: string,
  key: string,
  { name, data }: EventInput,
): Promise<LiveJob | null> {
  const commit = await store.findKey(jobId, key);
  const place = commit?.entries.findIndex((entry) => entry.key === key) ?? -1;
  const entry = commit?.entries[place];
  if (!commit || !entry || entry.name !== name) return null;
  const before = JSON.parse(entry.data ?? '{}') as Record<string, unknown>;
  if (contentOf(before) !== contentOf(data as Record<string, unknown>)) return null;
  return loadJobAt({ store, registry }, jobId, commit.seq + place);
}

/** Canonical JSON of all but under which id an output was stored. */
function contentOf(data: Readonly<Record<string, unknown>>): string | undefined {
  const outputs: Record<string, object> = {};
  for (const [name, { file: _file, ...content }] of Object.entries(outputsOf(data)))
    outputs[name] = content;
  const json = canonicalJson({ ...data, outputs }, storedJsonLimits);
  return json.ok ? json.text : undefined;
}
