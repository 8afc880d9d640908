/**
 * A text as a terminal may show it: on one line, and without a character that would move, colour or hide
 * anything. What is cut off beyond `limit` characters is told by an ellipsis.
 */
export function showText(text: string, limit = Number.POSITIVE_INFINITY): string {
  const safe = text.replace(unsafe, escape);
  return safe.length <= limit ? safe : `${[...safe].slice(0, limit - 1).join('')}…`;
}

/** JSON on one line whose every character a terminal may show; it parses to the same value. */
export const showJson = (value: unknown, limit?: number): string =>
  showText(JSON.stringify(value) ?? 'null', limit);

/** Control characters, invisible formatting such as a change of direction, halves of characters, line ends. */
const unsafe = /[\p{Cc}\p{Cf}\p{Cs}\u2028\u2029]/gu;

const escape = (character: string): string =>
  Array.from(
    { length: character.length },
    (_, index) => `\\u${character.charCodeAt(index).toString(16).padStart(4, '0')}`,
  ).join('');
