import { InvalidConfiguration } from '../errors.ts';

/**
 * The words of a command line, as a shell would take them apart, but with nothing of a shell beside quotes:
 * in single quotes all is as it stands; in double quotes a backslash makes a quote or a backslash plain, outside
 * of quotes any character. Throws InvalidConfiguration for a quote that is not closed, and where there is no word.
 */
export function splitCommand(command: string): readonly [program: string, ...words: string[]] {
  const words = [...command.matchAll(word)].map(([text]) => text.replace(piece, plain));
  const rest = command.replace(word, '');
  if (rest.trim() !== '') throw refused('a quote is not closed');
  const [program, ...others] = words;
  if (program === undefined || program === '') throw refused('no program is named');
  return [program, ...others];
}

/** One or more pieces without a blank between them. */
const word = /(?:'[^']*'|"(?:[^"\\]|\\[^])*"|\\[^]|[^\s'"\\])+/g;
const piece = /'([^']*)'|"((?:[^"\\]|\\[^])*)"|\\([^])/g;

const plain = (_whole: string, single?: string, double?: string, escaped?: string): string =>
  single ?? double?.replace(/\\(["\\])/g, '$1') ?? escaped ?? '';

const refused = (reason: string): InvalidConfiguration =>
  new InvalidConfiguration(
    'command',
    `${reason}; give a program and its words, such as ./program {input}`,
  );
