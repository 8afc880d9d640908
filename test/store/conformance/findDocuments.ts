import { describe, expect, it } from 'vitest';
import type { DocumentMatch } from '../../../src/store/store.ts';
import { type MakeStore, useFreshStore } from './useStore.ts';

const sorted = (matches: readonly DocumentMatch[]): string[] =>
  matches.map(({ collection, id, text }) => `${collection} ${id} by ${text}`).sort();

/** Finding linked documents by the texts that jobs name them with. */
export function describeFindDocuments(makeStore: MakeStore): void {
  describe('findDocuments', () => {
    const store = useFreshStore(makeStore);
    const find = async (collections: string[], texts: string[]): Promise<string[]> =>
      sorted(await store().findDocuments(collections, texts));

    it('finds documents by id or by name, and says by which text', async () => {
      await store().putDocument('samples', { id: 's1', name: 'First' });
      await store().putDocument('samples', { id: 's2' });
      await store().putDocument('samples', { id: 's3', name: 'Third', note: 'First' });
      const found = await find(['samples'], ['s2', 'First', 'nothing']);
      expect(found).toEqual(['samples s1 by First', 'samples s2 by s2']);
      expect(await store().findDocuments(['samples'], ['s2'])).toEqual([
        { collection: 'samples', id: 's2', text: 's2' },
      ]);
    });

    it('gives every document that a text fits, in every collection asked for', async () => {
      await store().putDocument('samples', { id: 'x' });
      await store().putDocument('samples', { id: 's2', name: 'x' });
      await store().putDocument('files', { id: 'f1', name: 'x' });
      await store().putDocument('references', { id: 'x' });
      const found = ['files f1 by x', 'samples s2 by x', 'samples x by x'];
      expect(await find(['samples', 'files'], ['x'])).toEqual(found);
      expect(await find(['samples', 'files'], ['x', 'x'])).toEqual(found);
    });

    it('gives a document once for each text that fits it', async () => {
      await store().putDocument('samples', { id: 's1', name: 'First' });
      await store().putDocument('samples', { id: 'same', name: 'same' });
      expect(await find(['samples'], ['s1', 'First'])).toEqual([
        'samples s1 by First',
        'samples s1 by s1',
      ]);
      expect(await find(['samples'], ['same'])).toEqual(['samples same by same']);
    });

    it('takes texts as they are: no patterns, no operators, no other case', async () => {
      await store().putDocument('samples', { id: 's1', name: 'First' });
      expect(await find(['samples'], ['first', '.*', '$ne', '', 's1 '])).toEqual([]);
      expect(await find(['samples'], [])).toEqual([]);
      expect(await find([], ['s1'])).toEqual([]);
    });

    it('finds a document under its new name only, once it is renamed', async () => {
      await store().putDocument('samples', { id: 's1', name: 'Old' });
      await store().putDocument('samples', { id: 's1', name: 'New' });
      expect(await find(['samples'], ['Old', 'New'])).toEqual(['samples s1 by New']);
    });
  });

  describe('findFiles', () => {
    const store = useFreshStore(makeStore);
    const find = async (texts: string[], collection = 'files'): Promise<string[]> =>
      sorted(await store().findFiles(collection, texts));

    it.each([
      {
        what: 'its URI',
        file: { id: 'f', uri: 'agave://data/up/a.txt' },
        text: 'agave://data/up/a.txt',
      },
      {
        what: 'the path of its URI',
        file: { id: 'f', uri: 'agave://data/up/a.txt' },
        text: '/up/a.txt',
      },
      { what: 'its path', file: { id: 'f', path: '/up/a.txt' }, text: '/up/a.txt' },
      { what: 'a name that is a path', file: { id: 'f', name: '/up/a.txt' }, text: '/up/a.txt' },
      { what: 'an id that is a path', file: { id: '/up/a.txt' }, text: '/up/a.txt' },
    ])('finds a file by $what', async ({ file, text }) => {
      await store().putDocument('files', file);
      await store().putDocument('files', { id: 'other', uri: 'agave://data/up/b.txt' });
      const expected = [{ collection: 'files', id: file.id, text }];
      expect(await store().findFiles('files', [text, '/nothing'])).toEqual(expected);
    });

    it('finds references by their web address', async () => {
      const uri = 'https://example.org/paper?x=1#y';
      await store().putDocument('references', { id: 'r', uri });
      expect(await find([uri], 'references')).toEqual([`references r by ${uri}`]);
      expect(await find([uri])).toEqual([]);
    });

    it('gives every file that a text fits, each once', async () => {
      const path = '/up/a.txt';
      await store().putDocument('files', { id: path, name: path, path, uri: `agave://one${path}` });
      await store().putDocument('files', { id: 'f2', uri: `agave://two${path}` });
      expect(await find([path, path])).toEqual([`files ${path} by ${path}`, `files f2 by ${path}`]);
      expect(await find([`agave://two${path}`])).toEqual([`files f2 by agave://two${path}`]);
    });

    it('takes texts as they are, and only whole ones', async () => {
      await store().putDocument('files', { id: 'f', uri: 'agave://data/up/a.txt', path: 7 });
      const texts = [
        '/up',
        'up/a.txt',
        '/up/a.txt/',
        '/UP/a.txt',
        'agave://data',
        '//data/up/a.txt',
      ];
      expect(await find(texts)).toEqual([]);
    });

    it('finds a file at its new place only, once it is moved', async () => {
      await store().putDocument('files', { id: 'f', uri: 'agave://data/old' });
      await store().putDocument('files', { id: 'f', uri: 'agave://data/new' });
      expect(await find(['/old', '/new'])).toEqual(['files f by /new']);
    });
  });
}
