/** Names of fields whose value never shows, for pino's own redaction: whatever they hold, near the top. */
export const secretFields: readonly string[] = [
  'token',
  'secret',
  'authorization',
  'cookie',
].flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

const hidden = '[Redacted]';

/**
 * Takes out of a finished log line what looks like a credential, wherever it stands: a field of such a
 * name at any depth and in quoted JSON too, `token=` in a query string, a bearer, a signed token.
 */
export const redact = (line: string): string =>
  line
    .replaceAll(secretField, `$1"${hidden}"`)
    .replaceAll(quotedField, `$1${hidden}$2"`)
    .replaceAll(inQuery, `$1${hidden}`)
    .replaceAll(bearer, `$1 ${hidden}`)
    .replaceAll(signedToken, hidden);

const secretField = /("(?:token|secrets?|authorization|(?:set-)?cookie)":)"(?:[^"\\]|\\.)*"/gi;
/** The same within a text, where each quote has one backslash before it, or more. */
const quotedField =
  /((\\+)"(?:token|secrets?|authorization|(?:set-)?cookie)\2"\s*:\s*\2")(?:(?!(?<!\\)\2").)*(?<!\\)\2"/gi;
const inQuery = /(token(?:=|%3D))[^&\s"'\\#;,)]+/gi;
const bearer = /\b(bearer) [\w.~+/=-]+/gi;
/** Header, body and signature in base64url; the first is JSON, so it begins with `{"`. */
const signedToken = /\beyJ[\w-]+\.[\w-]+(?:\.[\w-]*)?/g;
