import { InvalidConfiguration, InvalidData } from '../errors.ts';

/** An http or https URL without a user. Throws InvalidConfiguration, in words that repeat nothing of it. */
export function readUrl(setting: string, text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (!url || !/^https?:$/.test(url.protocol)) {
    throw new InvalidConfiguration(setting, 'expected an http or https URL');
  }
  if (url.username !== '' || url.password !== '') {
    throw new InvalidConfiguration(setting, 'it holds a user or a password; give a token instead');
  }
  return url;
}

/** A token fit for a header; undefined stays so. A runtime would tell the token in its own refusal. */
export function checkToken(token: string | undefined): string | undefined {
  if (token === undefined || /^[\w.~+/=-]+$/.test(token)) return token;
  throw new InvalidConfiguration('token', 'it holds characters that no token has, or is empty');
}

/** A text as one segment of a path. Throws InvalidData for what a URL would take for no segment at all. */
export function segment(text: string): string {
  if (text !== '' && text !== '.' && text !== '..' && text.isWellFormed()) {
    return encodeURIComponent(text);
  }
  throw new InvalidData('id', [{ path: 'id', message: 'a name that can stand in a URL' }]);
}
