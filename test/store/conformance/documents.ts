import { describe, expect, it } from 'vitest';
import { InvalidData } from '../../../src/errors.ts';
import type { LinkedDocument } from '../../../src/store/store.ts';
import { linkFields } from '../../../src/store/store.ts';
import { type MakeStore, useSharedStore } from './useStore.ts';

/** Keys and texts that a database or a language may take for its own. */
const oddDocuments: readonly LinkedDocument[] = [
  { id: 'operators', $where: 'x', $set: { a: 1 } },
  { id: '$id', name: '$name', value: '$$ROOT' },
  { id: 'dots', 'a.b': 1, 'child_of.0': 'x', a: { b: 2 } },
  { id: 'deep', a: [{ $gt: '', 'x.y': { $ne: null } }], '': 'empty' },
  { id: 'objects', constructor: 'x', toString: 1, hasOwnProperty: null },
];

/** Linked documents: kept as plain data, or refused with nothing written. */
export function describeDocuments(makeStore: MakeStore): void {
  describe('putDocument and getDocument', () => {
    const store = useSharedStore(makeStore);
    const refusal = async (collection: string, document: LinkedDocument): Promise<InvalidData> => {
      const error: unknown = await store()
        .putDocument(collection, document)
        .catch((reason: unknown) => reason);
      expect(error).toBeInstanceOf(InvalidData);
      return error as InvalidData;
    };

    it('returns what it stored, the id included', async () => {
      const document = {
        id: 'whole',
        name: 'A sample',
        child_of: ['a', 'b'],
        derived_from: [],
        size: 1.5,
        nested: { list: [null, true, { deep: 'é🙂' }] },
      };
      expect(await store().putDocument('samples', document)).toEqual(document);
      expect(await store().getDocument('samples', 'whole')).toEqual(document);
    });

    it('replaces a document as a whole', async () => {
      await store().putDocument('samples', { id: 'r', old: 1, child_of: ['a'] });
      await store().putDocument('samples', { id: 'r', new: 2 });
      expect(await store().getDocument('samples', 'r')).toEqual({ id: 'r', new: 2 });
    });

    it('keeps documents of one id in several collections apart', async () => {
      await store().putDocument('samples', { id: 'both', in: 'samples' });
      await store().putDocument('files', { id: 'both', in: 'files' });
      expect(await store().getDocument('samples', 'both')).toEqual({ id: 'both', in: 'samples' });
      expect(await store().getDocument('references', 'both')).toBeNull();
    });

    it.each(oddDocuments)(
      'keeps the keys of $id as plain data, at first and when it is replaced',
      async (document) => {
        for (let time = 1; time <= 2; time += 1) {
          expect(await store().putDocument('samples', document)).toEqual(document);
          expect(await store().getDocument('samples', document.id)).toEqual(document);
        }
      },
    );

    it('refuses an unknown collection and names the known ones', async () => {
      for (const collection of ['jobs', 'commits', '', '__proto__', 'Samples']) {
        const { message } = await refusal(collection, { id: 'x' });
        for (const known of store().linkedCollections) expect(message).toContain(known);
        await expect(store().getDocument(collection, 'x')).rejects.toThrow(InvalidData);
      }
    });

    it.each(linkFields)('refuses %s where it is not a list of texts', async (field) => {
      for (const value of ['a', null, {}, 1, [1], ['a', null], [['a']], { $each: ['a'] }]) {
        const { message } = await refusal('samples', { id: 'bad-links', [field]: value });
        expect(message).toContain(field);
      }
      expect(await store().getDocument('samples', 'bad-links')).toBeNull();
    });

    it.each([
      ['a key __proto__', JSON.parse('{"id":"bad","a":{"__proto__":{"b":1}}}') as LinkedDocument],
      ['a key __proto__ of its own', JSON.parse('{"id":"bad","__proto__":{}}') as LinkedDocument],
      ['a key with NUL', { id: 'bad', 'a\0b': 1 }],
      ['a lone surrogate', { id: 'bad', a: '\ud800' }],
      ['undefined', { id: 'bad', a: undefined }],
      ['NaN', { id: 'bad', a: [Number.NaN] }],
      ['-0', { id: 'bad', a: -0 }],
      ['a date', { id: 'bad', a: new Date(0) }],
      ['a function', { id: 'bad', a: () => 1 }],
      ['a BigInt', { id: 'bad', a: 1n }],
      ['a map', { id: 'bad', a: new Map() }],
      ["the database's own _id", { id: 'bad', _id: 'other' }],
      ['no id', { id: '' }],
    ])('refuses %s', async (_what, document) => {
      await refusal('samples', document);
      expect(await store().getDocument('samples', 'bad')).toBeNull();
      expect(await store().getDocument('samples', 'other')).toBeNull();
    });

    it('refuses an id that is not a text', async () => {
      for (const id of [null, 1, { $ne: '' }, ['x']]) {
        await refusal('samples', { id } as unknown as LinkedDocument);
      }
      await refusal('samples', {} as LinkedDocument);
    });

    it('leaves the document as it was when a replacement is refused', async () => {
      const document = { id: 'steady', child_of: ['a'] };
      await store().putDocument('samples', document);
      await refusal('samples', { id: 'steady', child_of: 'a' });
      expect(await store().getDocument('samples', 'steady')).toEqual(document);
    });

    it('keeps what it stored when a caller changes what it gave or got', async () => {
      const document = { id: 'mine', list: [1] };
      const answer = await store().putDocument('samples', document);
      document.list.push(2);
      Object.assign(answer, { list: [3] });
      const got = await store().getDocument('samples', 'mine');
      expect(got).toEqual({ id: 'mine', list: [1] });
      Object.assign(got ?? {}, { list: [4] });
      expect(await store().getDocument('samples', 'mine')).toEqual({ id: 'mine', list: [1] });
    });
  });

  describe('linkedCollections', () => {
    it('are those that the store was opened with', async () => {
      const store = await makeStore({ linkedCollections: ['plants', 'seeds'] });
      expect(store.linkedCollections).toEqual(['plants', 'seeds']);
      await store.putDocument('plants', { id: 'fern', child_of: ['job'] });
      expect(await store.unlinkDocuments('job')).toBe(1);
      await expect(store.putDocument('samples', { id: 'x' })).rejects.toThrow(InvalidData);
      await store.close();
    });
  });
}
