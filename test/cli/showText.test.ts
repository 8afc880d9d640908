import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { showJson, showText } from '../../src/cli/showText.ts';

describe('text for a terminal', () => {
  it.each([
    ['plain ä 😀', 'plain ä 😀'],
    ['a\u001b[2Jb', 'a\\u001b[2Jb'],
    ['a\nb\tc', 'a\\u000ab\\u0009c'],
    ['\u009b1m\u202e\u200b', '\\u009b1m\\u202e\\u200b'],
    ['\u{e0001}', '\\udb40\\udc01'],
    ['\ud800', '\\ud800'],
  ])('shows %j as %j', (text, shown) => {
    expect(showText(text)).toBe(shown);
  });

  it('cuts off what is too long, and says so', () => {
    expect(showText('abcdef', 4)).toBe('abc…');
    expect(showText('abcd', 4)).toBe('abcd');
  });

  it('leaves JSON what it is, whatever it holds', () => {
    fc.assert(
      fc.property(fc.jsonValue({ noUnicodeString: false }), (value) => {
        const text = showJson(value);
        expect(text).not.toMatch(/[\p{Cc}\p{Cf}\p{Cs}]/u);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });
});
