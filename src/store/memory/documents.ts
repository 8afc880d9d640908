import { locationsOf, namesOf } from '../documentTexts.ts';
import type { DocumentMatch, LinkedDocument, LinkField } from '../store.ts';
import { linkFields } from '../store.ts';
import { checkCollection } from '../checkDocument.ts';

/** The linked collections, by name and id. Documents come in checked. */
export function createDocuments(known: readonly string[]) {
  const collections = new Map(
    known.map((collection) => [collection, new Map<string, LinkedDocument>()]),
  );
  const documentsIn = (collection: string): Map<string, LinkedDocument> =>
    collections.get(collection) ?? new Map<string, LinkedDocument>();
  const match = (
    collection: string,
    texts: readonly string[],
    labels: (document: LinkedDocument) => readonly string[],
  ): DocumentMatch[] => {
    checkCollection(known, collection);
    const wanted = new Set(texts);
    return [...documentsIn(collection).values()].flatMap((document) =>
      labels(document)
        .filter((text) => wanted.has(text))
        .map((text) => ({ collection, id: document.id, text })),
    );
  };

  return {
    put: (collection: string, document: LinkedDocument): LinkedDocument => {
      documentsIn(collection).set(document.id, document);
      return document;
    },

    get: (collection: string, id: string): LinkedDocument | null => {
      checkCollection(known, collection);
      return documentsIn(collection).get(id) ?? null;
    },

    find: (wanted: readonly string[], texts: readonly string[]): DocumentMatch[] =>
      [...new Set(wanted)].flatMap((collection) => match(collection, texts, namesOf)),

    findFiles: (collection: string, texts: readonly string[]): DocumentMatch[] =>
      match(collection, texts, locationsOf),

    countLinking: (job: string): number =>
      [...collections.values()]
        .flatMap((documents) => [...documents.values()])
        .filter((document) => linksTo(document, job)).length,

    unlink: (job: string): number => {
      let changed = 0;
      for (const documents of collections.values()) {
        for (const document of documents.values()) {
          if (!linksTo(document, job)) continue;
          documents.set(document.id, withoutLink(document, job));
          changed += 1;
        }
      }
      return changed;
    },
  };
}

const idsIn = (document: LinkedDocument, field: LinkField): readonly unknown[] => {
  const ids = document[field];
  return Array.isArray(ids) ? ids : [];
};

const linksTo = (document: LinkedDocument, job: string): boolean =>
  linkFields.some((field) => idsIn(document, field).includes(job));

function withoutLink(document: LinkedDocument, job: string): LinkedDocument {
  const changed = linkFields
    .filter((field) => idsIn(document, field).includes(job))
    .map((field) => [field, idsIn(document, field).filter((id) => id !== job)] as const);
  return { ...document, ...Object.fromEntries(changed) };
}
