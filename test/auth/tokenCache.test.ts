import { describe, expect, it } from 'vitest';
import { createTokenCache } from '../../src/auth/tokenCache.ts';

describe('the token cache', () => {
  it('never holds more than its limit', () => {
    const cache = createTokenCache<number>(10_000);
    let largest = 0;
    for (let index = 0; index < 25_000; index += 1) {
      cache.remember(`token-${index}`, index);
      if (index % 3 === 0) cache.find(`token-${Math.floor(index / 2)}`);
      largest = Math.max(largest, cache.size);
    }
    expect(largest).toBe(10_000);
    expect(cache.find('token-24999')).toBe(24_999);
    expect(cache.find('token-0')).toBeUndefined();
  });

  it('keeps what is used while what is not goes', () => {
    const cache = createTokenCache<string>(10);
    cache.remember('used', 'a');
    cache.remember('unused', 'b');
    for (let index = 0; index < 100; index += 1) {
      cache.remember(`token-${index}`, 'c');
      expect(cache.find('used')).toBe('a');
    }
    expect(cache.find('unused')).toBeUndefined();
  });

  it('counts a token once when it is used again', () => {
    const cache = createTokenCache<string>(4);
    for (const token of ['a', 'b', 'c']) cache.remember(token, token);
    expect([cache.find('a'), cache.size]).toEqual(['a', 3]);
  });

  it('counts a token once when it is remembered again', () => {
    const cache = createTokenCache<number>(10);
    for (let index = 0; index < 50; index += 1) cache.remember('same', index);
    expect([cache.size, cache.find('same')]).toEqual([1, 49]);
  });
});
