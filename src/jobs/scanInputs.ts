import type { Links, Store } from '../store/store.ts';

/**
 * The links that a job's data speaks of: texts in `data.inputs` and `data.parameters` that are the URI
 * or, in a mapping, the path of a document in `files` (acted_on) or `references` (acted_using). In a
 * list only full URIs count. Each document once; anything else is left alone.
 */
export async function scanInputs(
  store: Pick<Store, 'findFiles' | 'linkedCollections'>,
  data: Readonly<Record<string, unknown>>,
): Promise<Links> {
  const found = [...textsIn(data['inputs']), ...textsIn(data['parameters'])];
  if (found.length === 0) return {};
  const texts = [...new Set(found)];
  const find = async (collection: string): Promise<string[]> => {
    if (!store.linkedCollections.includes(collection)) return [];
    const matches = await store.findFiles(collection, texts);
    return [...new Set(matches.map(({ id }) => id))].sort();
  };
  const [files, references] = await Promise.all([find('files'), find('references')]);
  return {
    ...(files.length > 0 && { acted_on: files }),
    ...(references.length > 0 && { acted_using: references }),
  };
}

/** Texts that may name a document, in the mappings and lists below a value. */
function textsIn(value: unknown): string[] {
  if (Array.isArray(value)) {
    return value.flatMap((item: unknown) =>
      typeof item === 'string' ? [item].filter(isUri) : textsIn(item),
    );
  }
  if (typeof value !== 'object' || value === null) return [];
  return Object.values(value).flatMap((item: unknown) =>
    typeof item === 'string'
      ? [item].filter((text) => isUri(text) || text.startsWith('/'))
      : textsIn(item),
  );
}

const isUri = (text: string): boolean => /^[a-z][a-z0-9+.-]*:\/\/\S+$/i.test(text);
