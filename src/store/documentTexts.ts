import type { LinkedDocument } from './store.ts';

/** The texts by which a parent may be named: a document's id and its name. */
export const namesOf = (document: LinkedDocument): string[] => texts([document.id, document.name]);

/**
 * The paths by which `data.inputs` may name a document: its `path`, the path of its `uri`
 * (`agave://system/path` → `/path`), and its id or name where they are paths themselves.
 */
export function pathsOf(document: LinkedDocument): string[] {
  const { id, name, path, uri } = document;
  const uriPath =
    typeof uri === 'string' ? /^[a-z][a-z0-9+.-]*:\/\/[^/]*(\/.+)$/i.exec(uri)?.[1] : undefined;
  return texts([path, uriPath, id, name]).filter((text) => text.startsWith('/'));
}

/** All texts by which inputs may name a document: its paths and its URI, also as its id or name. */
export const locationsOf = (document: LinkedDocument): string[] =>
  texts([...pathsOf(document), document['uri'], document.id, document.name]);

const texts = (values: readonly unknown[]): string[] => [
  ...new Set(values.filter((value): value is string => typeof value === 'string' && value !== '')),
];
