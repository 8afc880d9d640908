import { InvalidData, MixedParents, ParentNotFound } from '../errors.ts';
import type { DocumentMatch, Store } from '../store/store.ts';
import { isUuid } from './jobIdentity.ts';

const maxParents = 1_000;

/**
 * The ids of the documents a job belongs to, sorted, each once. A well-formed UUID is taken as it is;
 * any other text is a document's id or name in the linked collections, or `<collection>:<id or name>`.
 * Throws ParentNotFound for a text that no document has and MixedParents where the documents known
 * belong to several collections.
 */
export async function resolveParents(
  store: Pick<Store, 'findDocuments' | 'linkedCollections'>,
  parents: unknown,
): Promise<readonly string[]> {
  const texts = parseParents(parents);
  if (texts.every(isUuid)) return inOrder(texts.map((text) => text.toLowerCase()));
  const named = texts.filter((text) => !isUuid(text));
  const found = await Promise.all(named.map((text) => findParent(store, text)));
  const collections = [...new Set(found.map(({ collection }) => collection))];
  if (collections.length > 1) throw new MixedParents(texts, collections);
  const taken = texts.filter(isUuid).map((uuid) => uuid.toLowerCase());
  return inOrder([...taken, ...found.map(({ id }) => id)]);
}

const inOrder = (ids: readonly string[]): readonly string[] =>
  ids.length < 2 ? ids : [...new Set(ids)].sort();

function parseParents(parents: unknown): string[] {
  const texts = parents === undefined || parents === null ? [] : [parents].flat();
  const issues = texts.flatMap((text, index) =>
    typeof text === 'string' && text.isWellFormed() && text !== '' && text.length <= 1_024
      ? []
      : [{ path: `parents.${index}`, message: 'an id or a name' }],
  );
  if (texts.length > maxParents) issues.push({ path: 'parents', message: `at most ${maxParents}` });
  if (issues.length > 0) throw new InvalidData('parents', issues);
  return texts as string[];
}

async function findParent(
  store: Pick<Store, 'findDocuments' | 'linkedCollections'>,
  text: string,
): Promise<DocumentMatch> {
  const anywhere = await store.findDocuments(store.linkedCollections, [text]);
  const found = anywhere.length > 0 ? anywhere : await findInCollection(store, text);
  const [first] = found;
  if (!first) throw new ParentNotFound(text);
  const collections = [...new Set(found.map(({ collection }) => collection))];
  if (collections.length > 1) throw new MixedParents([text], collections);
  // An id says which document is meant even where others have it for a name.
  return found.find(({ id }) => id === text || text.endsWith(`:${id}`)) ?? first;
}

async function findInCollection(
  store: Pick<Store, 'findDocuments' | 'linkedCollections'>,
  text: string,
): Promise<DocumentMatch[]> {
  const colon = text.indexOf(':');
  const collection = text.slice(0, Math.max(colon, 0));
  if (!store.linkedCollections.includes(collection)) return [];
  return store.findDocuments([collection], [text.slice(colon + 1)]);
}
