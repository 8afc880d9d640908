import { Buffer } from 'node:buffer';
import { ArchivePathRefused } from '../errors.ts';

/** Longest accepted path, in UTF-16 units. */
const LONGEST_PATH = 1024;
/** Longest accepted segment, in UTF-8 bytes: what common file systems can name. */
const LONGEST_SEGMENT = 255;
/** How much of a SHA-256 hex digest names a directory: 128 bits. */
const DIGEST_CHARACTERS = 32;

/**
 * Accepts a virtual archive path and returns it without its trailing slash, otherwise as given.
 *
 * A path is accepted only if it is already canonical and lies strictly below one of `prefixes`.
 * Everything that some layer could read as another path is an ArchivePathRefused: dot segments, `//`,
 * backslashes, any `%`, any `:` (a drive or a stream elsewhere), control and invisible characters,
 * text that Unicode normalisation (NFKC) would change, look-alikes of a slash, and segments that end
 * in a dot or a space. It looks at text only; links are the business of `openArchive`.
 */
export const checkArchivePath = (path: unknown, prefixes: readonly string[]): string => {
  if (typeof path !== 'string') throw new ArchivePathRefused(path, 'it is not a text');
  const problem = findPathProblem(path);
  if (problem !== undefined) throw new ArchivePathRefused(path, problem);

  const canonical = withoutTrailingSlash(path);
  if (!prefixes.some((prefix) => liesBelow(canonical, withoutTrailingSlash(prefix)))) {
    const allowed = prefixes.join(', ') || 'nothing (no prefix is configured)';
    throw new ArchivePathRefused(path, `it is not below a managed prefix; managed: ${allowed}`);
  }
  return canonical;
};

/** What is wrong with a path's text, whatever its prefix; `undefined` if nothing is. */
export const findPathProblem = (path: string): string | undefined => {
  if (path.length > LONGEST_PATH) return `it is longer than ${LONGEST_PATH} characters`;
  if (!path.startsWith('/')) return 'it is not absolute; begin it with /';
  const broken = TEXT_RULES.find(({ refuses }) => refuses.test(path));
  if (broken) return broken.because;
  if (path !== path.normalize('NFKC')) {
    return 'it holds characters that Unicode normalisation changes; write it in NFKC form';
  }
  const segments = withoutTrailingSlash(path).slice(1).split('/');
  return segments.map(findSegmentProblem).find((problem) => problem !== undefined);
};

/** What a default path is made of. */
export interface DefaultPathParts {
  readonly prefix: string;
  /** The pipeline's id, or the machine's name where a job has no pipeline; loses its dashes. */
  readonly owner: string;
  /** SHA-256 of the parents, 64 hex characters. */
  readonly parentsDigest: string;
  /** SHA-256 of the data, 64 hex characters. */
  readonly dataDigest: string;
  /** Adds a directory of this run's own: the session and the moment in UTC. */
  readonly instanced?: { readonly session: string; readonly at: Date };
}

/**
 * The path of a job that names none: `<prefix>/<owner>/<parents>/<data>`, plus
 * `/<session>-<YYYYMMDDTHHmmss>Z` where it is instanced. Equal parts give equal paths.
 * An owner or a session that cannot be part of one segment is an ArchivePathRefused.
 */
export const defaultArchivePath = (parts: DefaultPathParts): string => {
  const { prefix, instanced } = parts;
  const segments = [
    parts.owner.replaceAll('-', ''),
    shortDigest(parts.parentsDigest),
    shortDigest(parts.dataDigest),
  ];
  if (instanced) {
    if (instanced.session === '') throw new ArchivePathRefused('', 'the session is empty');
    segments.push(`${instanced.session}-${utcStamp(instanced.at)}`);
  }
  const split = segments.find((segment) => segment.includes('/'));
  if (split !== undefined) {
    throw new ArchivePathRefused(split, 'an owner or a session cannot hold a / in a default path');
  }
  return checkArchivePath([withoutTrailingSlash(prefix), ...segments].join('/'), [prefix]);
};

/**
 * Whether a path is or lies in a directory that a default path could use:
 * `<prefix>/<segment>/<32 hex>`, whatever follows. Hex of either case counts, since some file systems
 * do not tell them apart.
 */
export const looksLikeDefaultPath = (path: string, prefixes: readonly string[]): boolean =>
  prefixes.some((given) => {
    const prefix = withoutTrailingSlash(given);
    return liesBelow(path, prefix) && DEFAULT_SHAPE.test(path.slice(prefix.length));
  });

/** Whether two paths are equal, or one lies inside the other. */
export const overlaps = (a: string, b: string): boolean => {
  const [first, second] = [withoutTrailingSlash(a), withoutTrailingSlash(b)];
  return first === second || first.startsWith(`${second}/`) || second.startsWith(`${first}/`);
};

const TEXT_RULES: readonly { refuses: RegExp; because: string }[] = [
  { refuses: /\p{Cs}/u, because: 'it holds half of a character (a lone surrogate)' },
  { refuses: /[\p{Cc}\p{Zl}\p{Zp}]/u, because: 'it holds a control character' },
  { refuses: /[\p{Cf}\p{DI}]/u, because: 'it holds an invisible character' },
  { refuses: /\\/, because: 'it holds a backslash; separate segments with /' },
  { refuses: /%/, because: 'it holds a %; give the path itself, not an encoded form' },
  { refuses: /:/, because: 'it holds a colon, which means a drive or a stream on some systems' },
  {
    // Slash look-alikes that NFKC leaves alone, though other tables map them to / or \.
    refuses: /[\u2044\u2215\u2216\u2571\u2572\u27CB\u27CD\u29F5\u29F8\u29F9]/u,
    because: 'it holds a character that looks like a slash',
  },
];

const findSegmentProblem = (segment: string): string | undefined => {
  if (segment === '') return 'it has an empty segment';
  if (segment === '.' || segment === '..') return `it has a ${segment} segment`;
  if (segment.endsWith('.')) return 'a segment ends in a dot, which some systems drop';
  if (segment.trim() !== segment) return 'a segment begins or ends with a space';
  if (Buffer.byteLength(segment) > LONGEST_SEGMENT) {
    return `a segment is longer than ${LONGEST_SEGMENT} bytes`;
  }
  return undefined;
};

/** Strictly below; nothing lies below an empty prefix. Both without a trailing slash. */
const liesBelow = (path: string, prefix: string): boolean =>
  prefix !== '' && path.startsWith(`${prefix}/`) && path.length > prefix.length + 1;

const withoutTrailingSlash = (path: string): string =>
  path.endsWith('/') ? path.slice(0, -1) : path;

const DEFAULT_SHAPE = new RegExp(`^/[^/]+/[0-9a-f]{${DIGEST_CHARACTERS}}(?:/|$)`, 'i');

const shortDigest = (digest: string): string => {
  if (!/^[0-9a-f]{64}$/.test(digest)) {
    throw new ArchivePathRefused(digest, 'its digest is not a SHA-256 in lower-case hex');
  }
  return digest.slice(0, DIGEST_CHARACTERS);
};

/** `YYYYMMDDTHHmmssZ` */
const utcStamp = (at: Date): string => {
  const year = at.getUTCFullYear();
  if (!(year >= 0 && year <= 9999)) {
    throw new ArchivePathRefused(String(at), 'its moment is not a date of the years 0 to 9999');
  }
  return `${at.toISOString().slice(0, 19).replaceAll(/[-:]/g, '')}Z`;
};
