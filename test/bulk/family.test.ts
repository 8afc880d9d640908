import { describe, expect, it } from 'vitest';
import { inWaves } from '../../src/bulk/family.ts';

const after = (...pairs: [string, string[]][]) => new Map(pairs);

describe('inWaves', () => {
  it('puts each after all that is before it', () => {
    const before = after(['d', ['b', 'c']], ['b', ['a']], ['c', ['a', 'b']], ['x', ['elsewhere']]);
    const waves = inWaves(new Set(['d', 'c', 'b', 'a', 'x']), before);
    expect(waves).toEqual([['a', 'x'], ['b'], ['c'], ['d']]);
  });

  it('comes to an end with what lies in a circle', () => {
    const before = after(['a', ['b']], ['b', ['c']], ['c', ['a']], ['d', ['a']], ['e', ['e']]);
    const waves = inWaves(new Set(['a', 'b', 'c', 'd', 'e']), before);
    expect(waves).toEqual([['c', 'e'], ['b'], ['a'], ['d']]);
  });

  it('takes a line of descent of any length', () => {
    const ids = Array.from({ length: 100_000 }, (_none, index) => String(index));
    const before = new Map(ids.slice(0, -1).map((id, index) => [id, [ids[index + 1] ?? '']]));
    const waves = inWaves(new Set(ids), before);
    expect(waves).toHaveLength(ids.length);
    expect(waves[0]).toEqual(['99999']);
  });
});
