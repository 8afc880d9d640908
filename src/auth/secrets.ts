import { randomBytes, randomUUID } from 'node:crypto';
import { link, mkdir, open, unlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { InvalidConfiguration } from '../errors.ts';

/** One secret that signs and verifies tokens. A list of them is in order: the first that is in force signs. */
export interface SecretKey {
  /** Names the key in a token's header: 1 to 64 of `A-Z a-z 0-9 . _ -`. */
  readonly kid: string;
  /** At least 32 random bytes. */
  readonly secret: Buffer;
  /** Before this moment the key neither signs nor verifies. */
  readonly notBefore?: Date;
  /** From this moment on the key neither signs nor verifies, so tokens that it signed end here at the latest. */
  readonly retireAt?: Date;
}

const DEFAULT_SETTING = 'JOBWRIGHT_SECRETS';
const MINIMUM_BYTES = 32;
const KID = /^[A-Za-z0-9._-]{1,64}$/;
const ADVICE = 'make one with: openssl rand -base64 32';

/**
 * Reads `kid:base64,kid:base64` (base64 or base64url, padded or not); the first signs.
 * Throws InvalidConfiguration for anything else. The message tells the entry by its place,
 * because what stands where the kid should be may be the secret.
 * @param setting what the refusal names, where the text does not come from JOBWRIGHT_SECRETS
 */
export function parseSecrets(text: string, setting: string = DEFAULT_SETTING): SecretKey[] {
  if (text.trim() === '') {
    throw new InvalidConfiguration(setting, `is empty; give <kid>:<base64>; ${ADVICE}`);
  }
  const keys = text.split(',').map((entry, index) => parseEntry(entry.trim(), index, setting));
  checkSecretKeys(keys, setting);
  return keys;
}

/**
 * Refuses keys that must not sign anything: none at all, a kid that is malformed or given twice,
 * a secret under 32 bytes, an obvious example, a date that is none.
 */
export function checkSecretKeys(
  keys: readonly SecretKey[],
  setting: string = DEFAULT_SETTING,
): void {
  if (keys.length === 0) {
    throw new InvalidConfiguration(setting, `holds no key; ${ADVICE}`);
  }
  const places = new Map<string, number>();
  keys.forEach((key, index) => {
    const problem = findProblem(key);
    if (problem) throw new InvalidConfiguration(setting, `entry ${index + 1} ${problem}`);
    const earlier = places.get(key.kid);
    if (earlier !== undefined) {
      throw new InvalidConfiguration(
        setting,
        `entries ${earlier} and ${index + 1} have the same kid; give each key its own`,
      );
    }
    places.set(key.kid, index + 1);
  });
}

/**
 * The keys of the secret file at `path`, which is made with 32 random bytes (mode 0600, in a
 * directory of mode 0700 if that is missing too) unless it exists. Processes that start at once
 * end with the same secret. The text is that of JOBWRIGHT_SECRETS.
 * Throws InvalidConfiguration for a file that others can read or write, or that cannot be used.
 */
export async function loadOrCreateSecret(path: string): Promise<SecretKey[]> {
  const existing = await readSecretFile(path);
  if (existing) return existing;
  await createSecretFile(path);
  const created = await readSecretFile(path);
  if (created) return created;
  throw new InvalidConfiguration(path, 'the secret file went away while it was made; start again');
}

function parseEntry(entry: string, index: number, setting: string): SecretKey {
  const colon = entry.indexOf(':');
  const secret = colon > 0 ? decodeBase64(entry.slice(colon + 1)) : undefined;
  if (secret) return { kid: entry.slice(0, colon), secret };
  throw new InvalidConfiguration(
    setting,
    `entry ${index + 1} is not <kid>:<base64 of the secret>; ${ADVICE}`,
  );
}

/** Only the one spelling that encoding gives back: a slip of the pen must not become another secret. */
function decodeBase64(text: string): Buffer | undefined {
  const digits = text.replace(/={1,2}$/, '');
  if (digits !== text && text.length % 4 !== 0) return undefined;
  const bytes = Buffer.from(digits, 'base64url');
  const spellings = [bytes.toString('base64url'), bytes.toString('base64').replace(/=+$/, '')];
  return spellings.includes(digits) ? bytes : undefined;
}

function findProblem({ kid, secret, notBefore, retireAt }: SecretKey): string | undefined {
  if (!KID.test(kid)) return 'has a kid that is not 1 to 64 of A-Z a-z 0-9 . _ -';
  if (secret.length < MINIMUM_BYTES) {
    return `has a secret of ${secret.length} bytes, fewer than ${MINIMUM_BYTES}; ${ADVICE}`;
  }
  if (isObvious(secret)) return `has an example for a secret, which anyone could guess; ${ADVICE}`;
  if ([notBefore, retireAt].some((date) => date && Number.isNaN(date.getTime()))) {
    return 'has a notBefore or retireAt that is not a date';
  }
  return undefined;
}

const PLACEHOLDERS = ['secret', 'changeme', 'example', 'password'];

/** Catches placeholders, no more: nothing but zeros, or a placeholder's word repeated, however spelled. */
function isObvious(secret: Buffer): boolean {
  if (secret.every((byte) => byte === 0)) return true;
  const text = secret.toString('latin1').toLowerCase();
  return [text, text.replaceAll(/[^a-z]/g, '')].some((letters) =>
    PLACEHOLDERS.some((word) => letters.split(word).length > 2),
  );
}

async function readSecretFile(path: string): Promise<SecretKey[] | undefined> {
  try {
    const file = await open(path, 'r');
    try {
      const { mode } = await file.stat();
      if (process.platform !== 'win32' && (mode & 0o077) !== 0) {
        throw new InvalidConfiguration(
          path,
          'other users can reach this secret file; if nobody has read it: chmod 600, else remove it, which ends all its tokens',
        );
      }
      return parseSecrets(await file.readFile('utf8'), path);
    } finally {
      await file.close();
    }
  } catch (error) {
    if (isFileError(error, 'ENOENT')) return undefined;
    throw asConfigurationError(path, 'cannot be read', error);
  }
}

/** Writes aside and links into place: the file is there whole or not at all, and the first one stays. */
async function createSecretFile(path: string): Promise<void> {
  const aside = join(dirname(path), `.${basename(path)}.${randomUUID()}`);
  try {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 });
    const file = await open(aside, 'wx', 0o600);
    try {
      await file.writeFile(`local:${randomBytes(MINIMUM_BYTES).toString('base64')}\n`);
      await file.sync();
      await link(aside, path);
    } finally {
      await file.close();
      await unlink(aside);
    }
  } catch (error) {
    // Another process was first: its secret is the one.
    if (isFileError(error, 'EEXIST')) return;
    throw asConfigurationError(path, 'cannot be made', error);
  }
}

function isFileError(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}

function asConfigurationError(path: string, what: string, error: unknown): InvalidConfiguration {
  if (error instanceof InvalidConfiguration) return error;
  const code = error instanceof Error && 'code' in error ? ` (${String(error.code)})` : '';
  return new InvalidConfiguration(
    path,
    `the secret file ${what}${code}; give a directory that this user owns, or set ${DEFAULT_SETTING}`,
    { cause: error },
  );
}
