import { posix } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  checkArchivePath,
  defaultArchivePath,
  looksLikeDefaultPath,
  overlaps,
} from '../../src/archive/archivePath.ts';
import { ArchivePathRefused } from '../../src/errors.ts';

const PREFIXES = ['/products/v2'];
const PARENTS = '0123456789abcdef'.repeat(4);
const DATA = 'fedcba9876543210'.repeat(4);
const PIPELINE = '102e95e6-67a8-5a06-9484-3131c6907890';

const accepted: readonly (readonly [given: string, canonical: string])[] = [
  ['/products/v2/a', '/products/v2/a'],
  ['/products/v2/a/', '/products/v2/a'],
  ['/products/v2/a/b/c/d/e', '/products/v2/a/b/c/d/e'],
  ['/products/v2/my run (2)', '/products/v2/my run (2)'],
  ['/products/v2/.hidden', '/products/v2/.hidden'],
  ['/products/v2/..a/...b', '/products/v2/..a/...b'],
  ['/products/v2/a..b', '/products/v2/a..b'],
  ['/products/v2/-rf', '/products/v2/-rf'],
  ['/products/v2/~', '/products/v2/~'],
  ['/products/v2/products/v2', '/products/v2/products/v2'],
  ['/products/v2/caf\u00e9/\u5206\u6790', '/products/v2/caf\u00e9/\u5206\u6790'],
  ['/products/v2/\u{1F9EA}', '/products/v2/\u{1F9EA}'],
  [`/products/v2/${'a'.repeat(255)}`, `/products/v2/${'a'.repeat(255)}`],
  [`/products/v2${'/abcdefg'.repeat(126)}/abc`, `/products/v2${'/abcdefg'.repeat(126)}/abc`],
];

const refused: readonly (readonly [given: unknown, because: string])[] = [
  // Not a path at all.
  [undefined, 'not a text'],
  [null, 'not a text'],
  [7, 'not a text'],
  [['/products/v2/a'], 'not a text'],
  [{ toString: () => '/products/v2/a' }, 'not a text'],
  ['', 'not absolute'],
  ['products/v2/a', 'not absolute'],
  [' /products/v2/a', 'not absolute'],
  ['./products/v2/a', 'not absolute'],
  ['~/products/v2/a', 'not absolute'],
  ['C:/products/v2/a', 'not absolute'],
  ['file:///products/v2/a', 'not absolute'],
  ['agave://system/products/v2/a', 'not absolute'],
  // Not below a prefix.
  ['/', 'empty segment'],
  ['/uploads/precious', 'not below'],
  ['/products', 'not below'],
  ['/products/', 'not below'],
  ['/products/v1/a', 'not below'],
  ['/products/v2', 'not below'],
  ['/products/v2/', 'not below'],
  ['/products/v2x/a', 'not below'],
  ['/products/v2-old', 'not below'],
  ['/Products/v2/a', 'not below'],
  ['/PRODUCTS/V2/a', 'not below'],
  ['/.trash/tree-1', 'not below'],
  ['/x/products/v2/a', 'not below'],
  // Dots.
  ['/products/v2/.', 'a . segment'],
  ['/products/v2/./a', 'a . segment'],
  ['/products/v2/..', 'a .. segment'],
  ['/products/v2/../', 'a .. segment'],
  ['/products/v2/../../etc', 'a .. segment'],
  ['/products/v2/a/../b', 'a .. segment'],
  ['/products/v2/a/..', 'a .. segment'],
  ['/../products/v2/a', 'a .. segment'],
  ['/products/v2/...', 'ends in a dot'],
  ['/products/v2/a.', 'ends in a dot'],
  ['/products/v2/.. /a', 'begins or ends with a space'],
  ['/products/v2/ ../a', 'ends in a dot'],
  ['/products/v2/ ..', 'ends in a dot'],
  ['/products/v2/ . ./a', 'ends in a dot'],
  ['/products/v2/ a', 'begins or ends with a space'],
  ['/products/v2/a ', 'begins or ends with a space'],
  ['/products/v2/ ', 'begins or ends with a space'],
  ['/products/v2/\u1680a', 'begins or ends with a space'],
  // Slashes.
  ['//products/v2/a', 'empty segment'],
  ['//server/share/products/v2/a', 'empty segment'],
  ['/products//v2/a', 'empty segment'],
  ['/products/v2//a', 'empty segment'],
  ['/products/v2/a//', 'empty segment'],
  ['/products/v2//', 'empty segment'],
  ['/products/v2\\..\\a', 'backslash'],
  ['/products/v2/..\\..\\etc', 'backslash'],
  ['/products/v2/a\\b', 'backslash'],
  ['/\\server\\share', 'backslash'],
  ['/products/v2/c:/a', 'colon'],
  ['/products/v2/a:stream', 'colon'],
  ['/products/v2/a::$DATA', 'colon'],
  // Encoded.
  ['/products/v2/%2e%2e/etc', 'a %'],
  ['/products/v2/%2E%2E', 'a %'],
  ['/products/v2/.%2e/etc', 'a %'],
  ['/products/v2/%252e%252e/etc', 'a %'],
  ['/products/v2/..%2fetc', 'a %'],
  ['/products/v2/..%2Fetc', 'a %'],
  ['/products/v2/..%5cetc', 'a %'],
  ['/products/v2/..%c0%afetc', 'a %'],
  ['/products/v2/%u002e%u002e', 'a %'],
  ['/products/v2/a%00', 'a %'],
  ['/products/v2/100%', 'a %'],
  // Control, invisible and broken characters.
  ['/products/v2/a\0', 'control'],
  ['/products/v2/a\0/../b', 'control'],
  ['/products/v2/a\nb', 'control'],
  ['/products/v2/a\r', 'control'],
  ['/products/v2/a\tb', 'control'],
  ['/products/v2/a\u007fb', 'control'],
  ['/products/v2/a\u0085', 'control'],
  ['/products/v2/a\u2028b', 'control'],
  ['/products/v2/.\u200b.', 'invisible'],
  ['/products/v2/.\u00ad./etc', 'invisible'],
  ['/products/v2/a\u202eb', 'invisible'],
  ['/products/v2/\ufeff..', 'invisible'],
  ['/products/v2/a\ufe0f', 'invisible'],
  ['/products/v2/a\ud800', 'lone surrogate'],
  ['/products/v2/\udc00b', 'lone surrogate'],
  // Look-alikes.
  ['/products/v2/\uff0e\uff0e/etc', 'normalisation'],
  ['/products/v2/\u2025/etc', 'normalisation'],
  ['/products/v2/\u2026', 'normalisation'],
  ['/products/v2/\u2024\u2024/etc', 'normalisation'],
  ['/products/v2/\ufe52\ufe52', 'normalisation'],
  ['/products/v2/..\uff0fetc', 'normalisation'],
  ['/products/v2/..\uff3cetc', 'normalisation'],
  ['/products/v2/\uff052e', 'normalisation'],
  ['\uff0fproducts/v2/a', 'not absolute'],
  ['/\uff50roducts/v2/a', 'normalisation'],
  ['/products/v2/a\u00a0', 'normalisation'],
  ['/products/v2/cafe\u0301', 'normalisation'],
  ['/products/v2/..\u2215etc', 'looks like a slash'],
  ['/products/v2/..\u2044etc', 'looks like a slash'],
  ['/products/v2/..\u29f8etc', 'looks like a slash'],
  ['/products/v2/..\u2216etc', 'looks like a slash'],
  // Too long.
  [`/products/v2/${'a'.repeat(256)}`, 'longer than 255 bytes'],
  [`/products/v2/${'\u00e9'.repeat(128)}`, 'longer than 255 bytes'],
  [`/products/v2${'/abcdefg'.repeat(126)}/abcd`, 'longer than 1024 characters'],
];

describe('checkArchivePath', () => {
  it.each(accepted)('accepts %j', (given, canonical) => {
    expect(checkArchivePath(given, PREFIXES)).toBe(canonical);
  });

  it.each(refused)('refuses %j: %s', (given, because) => {
    const check = () => checkArchivePath(given, PREFIXES);
    expect(check).toThrow(ArchivePathRefused);
    expect(check).toThrow(because);
  });

  it('tells the code, the path and what would be allowed', () => {
    expect(refusalOf(() => checkArchivePath('/uploads/precious', PREFIXES)).toJSON()).toEqual({
      code: 'ARCHIVE_PATH_REFUSED',
      path: '/uploads/precious',
      message:
        'Archive path /uploads/precious refused: it is not below a managed prefix; managed: /products/v2',
    });
  });

  it('accepts paths below any of several prefixes, however their ends are written', () => {
    const prefixes = ['/products/v2/', '/sample/tacc-cloud'];
    expect(checkArchivePath('/products/v2/a', prefixes)).toBe('/products/v2/a');
    expect(checkArchivePath('/sample/tacc-cloud/a', prefixes)).toBe('/sample/tacc-cloud/a');
    expect(() => checkArchivePath('/products/v2/', prefixes)).toThrow(ArchivePathRefused);
    expect(() => checkArchivePath('/sample/a', prefixes)).toThrow(ArchivePathRefused);
  });

  it.each([[[]], [['']], [['/']], [['..']], [['/products/..']]])(
    'takes the prefixes %j to cover nothing',
    (prefixes) => {
      expect(() => checkArchivePath('/etc', prefixes)).toThrow(ArchivePathRefused);
      expect(() => checkArchivePath('/products/v2/a', prefixes)).toThrow(ArchivePathRefused);
    },
  );

  it('accepts only texts that every reading takes for the same place below the prefix', () => {
    fc.assert(
      fc.property(nastyPath, (given) => {
        const path = acceptedOrUndefined(given);
        fc.pre(path !== undefined);
        for (const reading of [path, decodeURIComponent(path), path.normalize('NFKC')]) {
          expect(posix.normalize(reading)).toBe(path);
        }
        expect(posix.join('/root', path).startsWith('/root/products/v2/')).toBe(true);
        expect(posix.relative('/products/v2', path)).not.toMatch(/^(\.\.)?(\/|$)/);
        expect(new URL(path, 'http://h').pathname.startsWith('/products/v2/')).toBe(true);
        expect(checkArchivePath(path, PREFIXES)).toBe(path);
      }),
      { numRuns: 2_000 },
    );
  });

  it('refuses every path that normalises to one outside, and never throws anything else', () => {
    fc.assert(
      fc.property(fc.oneof(nastyPath, fc.string({ unit: 'binary' }), fc.anything()), (given) => {
        const path = acceptedOrUndefined(given);
        if (path === undefined) return;
        expect(typeof given).toBe('string');
        expect(posix.normalize(path).startsWith('/products/v2/')).toBe(true);
      }),
      { numRuns: 2_000 },
    );
  });
});

describe('defaultArchivePath', () => {
  const parts = {
    prefix: '/products/v2',
    owner: PIPELINE,
    parentsDigest: PARENTS,
    dataDigest: DATA,
  };
  const plain =
    '/products/v2/102e95e667a85a0694843131c6907890/0123456789abcdef0123456789abcdef/fedcba9876543210fedcba9876543210';
  const at = new Date('2024-03-09T04:05:06.789Z');

  it('is made of the pipeline and the two digests', () => {
    expect(defaultArchivePath(parts)).toBe(plain);
    expect(defaultArchivePath(parts)).not.toMatch(/-|Z$/);
  });

  it('adds the session and the moment in UTC where it is instanced', () => {
    expect(defaultArchivePath({ ...parts, instanced: { session: 'quiet-otter', at } })).toBe(
      `${plain}/quiet-otter-20240309T040506Z`,
    );
  });

  it('takes a machine name for an owner, and a prefix with a trailing slash', () => {
    expect(defaultArchivePath({ ...parts, prefix: '/products/v2/', owner: 'my-machine' })).toBe(
      plain.replace('102e95e667a85a0694843131c6907890', 'mymachine'),
    );
  });

  it.each([
    ['an owner that climbs', { owner: '..' }],
    ['an owner of two segments', { owner: 'a/b' }],
    ['an owner of dashes', { owner: '---' }],
    ['an empty owner', { owner: '' }],
    ['a short digest', { parentsDigest: 'abc' }],
    ['a digest that is not hex', { dataDigest: '../'.repeat(21) + 'x' }],
    ['an upper-case digest', { dataDigest: DATA.toUpperCase() }],
    ['a session that climbs', { instanced: { session: '../../..', at } }],
    ['a session of two segments', { instanced: { session: 'a/b', at } }],
    ['a session with a NUL', { instanced: { session: 'a\0', at } }],
    ['an empty session', { instanced: { session: '', at } }],
    ['a session that is too long', { instanced: { session: 'a'.repeat(240), at } }],
    ['a moment that is none', { instanced: { session: 'quiet-otter', at: new Date(NaN) } }],
    ['a moment far away', { instanced: { session: 'quiet-otter', at: new Date(8e15) } }],
  ])('refuses %s', (_what, change) => {
    expect(() => defaultArchivePath({ ...parts, ...change })).toThrow(ArchivePathRefused);
  });

  it('gives different directories to different parts', () => {
    const digest = fc.stringMatching(/^[0-9a-f]{64}$/);
    fc.assert(
      fc.property(digest, digest, (parentsDigest, dataDigest) => {
        fc.pre(parentsDigest.slice(0, 32) !== dataDigest.slice(0, 32));
        const one = defaultArchivePath({ ...parts, parentsDigest, dataDigest });
        const other = defaultArchivePath({
          ...parts,
          parentsDigest: dataDigest,
          dataDigest: parentsDigest,
        });
        expect(overlaps(one, other)).toBe(false);
        expect(looksLikeDefaultPath(one, PREFIXES)).toBe(true);
      }),
    );
  });
});

describe('looksLikeDefaultPath', () => {
  const hex = PARENTS.slice(0, 32);

  it.each([
    [`/products/v2/owner/${hex}`, true],
    [`/products/v2/owner/${hex}/`, true],
    [`/products/v2/owner/${hex}/${hex}`, true],
    [`/products/v2/owner/${hex}/${hex}/quiet-otter-20240309T040506Z`, true],
    [`/products/v2/owner/${hex}/anything/else`, true],
    [`/products/v2/owner/${hex.toUpperCase()}`, true],
    ['/products/v2/owner', false],
    [`/products/v2/${hex}`, false],
    [`/products/v2/${hex}/run`, false],
    [`/products/v2/owner/run/${hex}`, false],
    [`/products/v2/owner/${hex}0`, false],
    [`/products/v2/owner/${hex.slice(1)}`, false],
    [`/products/v2/owner/${hex.slice(1)}g`, false],
    [`/uploads/owner/${hex}`, false],
    [`/products/v2x/owner/${hex}`, false],
  ])('of %s is %s', (path, expected) => {
    expect(looksLikeDefaultPath(path, PREFIXES)).toBe(expected);
  });

  it('looks below every prefix', () => {
    const prefixes = ['/products/v2', '/products/v2/lab/'];
    expect(looksLikeDefaultPath(`/products/v2/lab/owner/${hex}`, prefixes)).toBe(true);
    expect(looksLikeDefaultPath(`/products/v2/lab/owner/${hex}`, PREFIXES)).toBe(false);
  });
});

describe('overlaps', () => {
  it.each([
    ['/products/v2/a', '/products/v2/a', true],
    ['/products/v2/a', '/products/v2/a/', true],
    ['/products/v2/a', '/products/v2/a/b', true],
    ['/products/v2/a', '/products/v2/a/b/c', true],
    ['/products/v2/a', '/products/v2/ab', false],
    ['/products/v2/a', '/products/v2/b', false],
    ['/products/v2/a/b', '/products/v2/a/c', false],
    ['/', '/products/v2/a', true],
  ])('of %s and %s is %s, either way round', (a, b, expected) => {
    expect([overlaps(a, b), overlaps(b, a)]).toEqual([expected, expected]);
  });
});

const refusalOf = (work: () => unknown): ArchivePathRefused => {
  try {
    work();
  } catch (error) {
    if (error instanceof ArchivePathRefused) return error;
    throw error;
  }
  throw new Error('it was not refused');
};

/** Any error but a refusal fails the property. */
const acceptedOrUndefined = (given: unknown): string | undefined => {
  try {
    return checkArchivePath(given, PREFIXES);
  } catch (error) {
    if (error instanceof ArchivePathRefused) return undefined;
    throw error;
  }
};

const nastySegment = fc.oneof(
  { weight: 4, arbitrary: fc.stringMatching(/^[a-z][a-z0-9 _.-]{0,8}[a-z]$/) },
  { weight: 1, arbitrary: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 4 }) },
  {
    weight: 1,
    arbitrary: fc.constantFrom(
      '..',
      '.',
      '',
      '%2e%2e',
      '..\\',
      '\uff0e\uff0e',
      '\u2025',
      '.\u200b.',
    ),
  },
);

const nastyPath = fc
  .tuple(
    fc.constantFrom('/products/v2/', '/products/v2/', '/products/v2', '/', '', '/products/v2/../'),
    fc.array(nastySegment, { minLength: 1, maxLength: 4 }),
    fc.constantFrom('', '/', '//', '/..'),
  )
  .map(([start, segments, end]) => start + segments.join('/') + end);
