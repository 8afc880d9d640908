import { describe, expect, it } from 'vitest';
import { groupLookups } from '../../src/store/mongo/groupLookups.ts';

/** A lookup that finds every text once, and the queries it was asked. */
function lookup() {
  const asked: [string, readonly string[]][] = [];
  const find = groupLookups(async (collection, texts) => {
    asked.push([collection, texts]);
    return texts.map((text) => ({ collection, id: `id of ${text}`, text }));
  });
  return { asked, find };
}

describe('grouped lookups', () => {
  it('ask once a collection for what is wanted in one turn, and give each its own', async () => {
    const { asked, find } = lookup();
    const found = await Promise.all([
      find('files', ['a', 'b']),
      find('references', ['a']),
      find('files', ['b', 'c']),
    ]);
    expect(asked).toEqual([
      ['files', ['a', 'b', 'c']],
      ['references', ['a']],
    ]);
    expect(found.map((matches) => matches.map(({ text }) => text))).toEqual([
      ['a', 'b'],
      ['a'],
      ['b', 'c'],
    ]);
  });

  it('ask again for what is wanted later, as documents may have come', async () => {
    const { asked, find } = lookup();
    await find('files', ['a']);
    await find('files', ['a']);
    expect(asked).toHaveLength(2);
  });

  it('keep a query within bounds', async () => {
    const { asked, find } = lookup();
    const many = Array.from({ length: 600 }, (_, index) => `text ${index}`);
    const long = 'x'.repeat(600_000);
    await Promise.all([
      find('files', many),
      find(
        'files',
        many.map((text) => `other ${text}`),
      ),
      find('references', [long]),
      find('references', [`${long}y`]),
    ]);
    expect(asked.map(([, texts]) => texts.length)).toEqual([600, 600, 1, 1]);
  });

  it('tell a failure to everybody who waits, and go on', async () => {
    let isBroken = true;
    const find = groupLookups(async () => {
      if (isBroken) throw new Error('no database');
      return [];
    });
    const outcomes = await Promise.allSettled([find('files', ['a']), find('files', ['b'])]);
    expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
    isBroken = false;
    expect(await find('files', ['a'])).toEqual([]);
  });
});
