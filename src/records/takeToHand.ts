import type { Engine } from '../jobs/engine.ts';
import { fromJobDocument, type LiveJob } from '../jobs/liveJob.ts';
import { storedJsonLimits } from '../limits.ts';
import { canonicalJson } from '../machine/canonicalJson.ts';
import type { JobDocument } from '../store/store.ts';

/**
 * Puts jobs at hand as their documents tell, so that no event on them reads anything first; what is known
 * better stays. A document that is behind is harmless: then the append fails, and the job is read.
 */
export function takeToHand(
  { live, registry }: Pick<Engine, 'live' | 'registry'>,
  document: JobDocument,
): LiveJob | undefined {
  const known = live.peek(document.id);
  if (known && known.seq >= document.seq) return known;
  const json = canonicalJson(document.data, storedJsonLimits);
  if (!json.ok) return undefined;
  const job = fromJobDocument(registry, document, json.text);
  if (job.snapshot) live.put(job);
  return job;
}

/** Puts those of these jobs at hand that are not there yet, in one go. */
export async function takeAllToHand(engine: Engine, ids: readonly string[]): Promise<void> {
  const unknown = ids.filter((id) => !engine.live.peek(id));
  if (unknown.length === 0) return;
  const projected = await engine.store.readProjected(unknown);
  for (const { document } of projected.values()) if (document) takeToHand(engine, document);
}
