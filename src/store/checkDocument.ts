import { type DataIssue, InvalidData } from '../errors.ts';
import { canonicalJson, type JsonLimits } from '../machine/canonicalJson.ts';
import type { LinkedDocument } from './store.ts';
import { linkFields } from './store.ts';

/** Refuses a collection that may not hold links, naming those that may. */
export function checkCollection(known: readonly string[], collection: string): void {
  if (known.includes(collection)) return;
  const shown = JSON.stringify(collection.slice(0, 80));
  const message = `${shown} is no linked collection; known: ${known.join(', ') || 'none'}`;
  throw new InvalidData('document', [{ path: 'collection', message }]);
}

const documentLimits: JsonLimits = { depth: 32, keys: 100_000, bytes: 4 * 1024 * 1024 };

/** Refuses a document that is not JSON as a whole, has no id, or whose link fields are not lists of ids. */
export function checkDocument(
  known: readonly string[],
  collection: string,
  document: LinkedDocument,
): void {
  checkCollection(known, collection);
  const json = canonicalJson(document, documentLimits, 'document');
  const issues = json.ok ? fieldIssues(document) : json.issues;
  if (issues.length > 0) throw new InvalidData('document', issues);
}

function fieldIssues(document: LinkedDocument): DataIssue[] {
  const { id }: Readonly<Record<string, unknown>> = document;
  const issues: DataIssue[] = [];
  const refuse = (field: string, message: string): void =>
    void issues.push({ path: `document.${field}`, message });
  if (typeof id !== 'string' || id === '') refuse('id', 'must be a text that is not empty');
  for (const field of ['_id', '_paths']) {
    if (Object.hasOwn(document, field)) refuse(field, 'is reserved for the database');
  }
  for (const field of linkFields) {
    const ids = document[field];
    if (ids !== undefined && !isTexts(ids)) refuse(field, 'must be an array of ids');
  }
  return issues;
}

const isTexts = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((item) => typeof item === 'string');
