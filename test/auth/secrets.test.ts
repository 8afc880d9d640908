import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import ts from 'typescript';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { checkSecretKeys, loadOrCreateSecret, parseSecrets } from '../../src/auth/secrets.ts';
import { InvalidConfiguration } from '../../src/errors.ts';

/** Fixed, but no pattern: 0xfb 0xff make `+`, `/` and `-`, `_` appear in its spellings. */
const SECRET = Buffer.from(
  'fbffbe5d1c0a93e4772b61d8a05f3ec9148d27b6f0519ae3c86b3d7f02e4a95811',
  'hex',
);
const STANDARD = SECRET.toString('base64');
const URL_SAFE = SECRET.toString('base64url');

const refusalOf = (attempt: () => unknown): InvalidConfiguration => {
  try {
    attempt();
  } catch (error) {
    if (error instanceof InvalidConfiguration) return error;
    throw error;
  }
  throw new Error('expected a refusal');
};

describe('parseSecrets', () => {
  const thirtyTwo = SECRET.subarray(0, 32);
  it.each([
    ['base64', STANDARD],
    ['base64 without padding', thirtyTwo.toString('base64').replace('=', ''), thirtyTwo],
    ['base64 with padding', thirtyTwo.toString('base64'), thirtyTwo],
    ['base64url', URL_SAFE],
    ['base64url with padding', `${thirtyTwo.toString('base64url')}=`, thirtyTwo],
  ])('reads %s', (_name, text, secret = SECRET) => {
    expect(parseSecrets(`k1:${text}`)).toEqual([{ kid: 'k1', secret }]);
  });

  it('keeps the order of several and ignores space and line ends around each', () => {
    const second = randomBytes(48);
    const keys = parseSecrets(` new.1:${STANDARD} ,\n old_1:${second.toString('base64')}\n`);
    expect(keys).toEqual([
      { kid: 'new.1', secret: SECRET },
      { kid: 'old_1', secret: second },
    ]);
  });

  const encode = (text: string) => Buffer.from(text, 'latin1').toString('base64');
  const short = SECRET.subarray(0, 31).toString('base64');
  it.each([
    ['nothing', '', 'is empty'],
    ['only space', ' \n', 'is empty'],
    ['no kid', `:${STANDARD}`, 'entry 1 is not'],
    ['no colon', STANDARD, 'entry 1 is not'],
    ['secret and kid the wrong way round', `${URL_SAFE}:k1`, 'entry 1'],
    ['a trailing comma', `k1:${STANDARD},`, 'entry 2 is not'],
    ['a second colon', `k1:k2:${STANDARD}`, 'entry 1 is not'],
    ['a kid with a space', `k 1:${STANDARD}`, 'entry 1 has a kid'],
    ['a kid of 65 characters', `${'k'.repeat(65)}:${STANDARD}`, 'entry 1 has a kid'],
    ['a kid twice', `k1:${STANDARD},k1:${randomBytes(32).toString('base64')}`, 'entries 1 and 2'],
    ['no secret', 'k1:', 'has a secret of 0 bytes'],
    ['31 bytes', `k1:${short}`, 'has a secret of 31 bytes'],
    ['text that is not base64', `k1:${'?'.repeat(48)}`, 'entry 1 is not'],
    ['two alphabets mixed', `k1:${STANDARD.replace('+', '-')}`, 'entry 1 is not'],
    ['wrong padding', `k1:${STANDARD}=`, 'entry 1 is not'],
    ['loose bits at the end', `k1:${thirtyTwo.toString('base64url').slice(0, 42)}B`, 'entry 1'],
    ['space inside', `k1:${STANDARD.slice(0, 8)} ${STANDARD.slice(8)}`, 'entry 1 is not'],
    ['zeros only', `k1:${Buffer.alloc(32).toString('base64')}`, 'an example'],
    ['a word with dashes', `k1:${encode('change-me-change-me-change-me-change')}`, 'an example'],
    ['password repeated', `k1:${encode('password'.repeat(4))}`, 'an example'],
    ['placeholders', `k1:${encode('My-Secret-key-is-a-SECRET-key-0123')}`, 'an example'],
  ])('refuses %s', (_name, text, problem) => {
    const refusal = refusalOf(() => parseSecrets(text));
    expect(refusal.setting).toBe('JOBWRIGHT_SECRETS');
    expect(refusal.message).toContain(problem);
    const told = `${refusal.message} ${JSON.stringify(refusal)}`;
    for (const part of text.split(/[:,\s]/).filter(({ length }) => length > 6)) {
      expect(told).not.toContain(part);
      expect(told).not.toContain(part.slice(0, 12));
    }
  });

  it('does not take random secrets for examples', () => {
    for (let round = 0; round < 2000; round += 1) {
      expect(parseSecrets(`k:${randomBytes(32).toString('base64')}`)).toHaveLength(1);
    }
  });
});

describe('checkSecretKeys', () => {
  it('refuses an empty list', () => {
    expect(() => checkSecretKeys([])).toThrow('JOBWRIGHT_SECRETS: holds no key');
  });

  it.each(['notBefore', 'retireAt'])('refuses a %s that is not a date', (field) => {
    const key = { kid: 'k1', secret: SECRET, [field]: new Date('never') };
    expect(() => checkSecretKeys([key])).toThrow('not a date');
  });
});

describe('loadOrCreateSecret', () => {
  let folder: string;
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'jobwright-secrets-'));
  });
  afterAll(() => rm(folder, { recursive: true }));

  it('makes a secret once, for its owner only, and reads it afterwards', async () => {
    const path = join(folder, 'home', 'deep', 'secret');
    const first = await loadOrCreateSecret(path);
    expect(first).toMatchObject([{ kid: 'local' }]);
    expect(first[0]?.secret).toHaveLength(32);
    expect(await loadOrCreateSecret(path)).toEqual(first);
    expect(parseSecrets(await readFile(path, 'utf8'))).toEqual(first);
    expect((await stat(path)).mode & 0o777).toBe(0o600);
    expect((await stat(join(folder, 'home'))).mode & 0o777).toBe(0o700);
    expect(await readdir(join(folder, 'home', 'deep'))).toEqual(['secret']);
  });

  it('gives everyone the same secret when many ask at once', async () => {
    const path = join(folder, 'many');
    const all = await Promise.all(Array.from({ length: 32 }, () => loadOrCreateSecret(path)));
    expect(new Set(all.map(([key]) => key?.secret.toString('hex'))).size).toBe(1);
    expect((await readdir(folder)).filter((name) => name.includes('many'))).toEqual(['many']);
  });

  it('gives processes that start at once the same secrets', async () => {
    const build = join(folder, 'build');
    await compile(build, ['errors.ts', 'auth/secrets.ts']);
    const secrets = join(folder, 'raced');
    const script = `
      import { loadOrCreateSecret } from './auth/secrets.js';
      for (let turn = 0; turn < 40; turn += 1) {
        const [key] = await loadOrCreateSecret(\`${secrets}/\${turn}\`);
        console.log(key.secret.toString('hex'));
      }`;
    await writeFile(join(build, 'race.js'), script);
    const run = promisify(execFile);
    const outputs = await Promise.all(
      Array.from({ length: 3 }, () => run(process.execPath, [join(build, 'race.js')])),
    );
    const [first, ...others] = outputs.map(({ stdout }) => stdout.trim().split('\n'));
    expect(new Set(first).size).toBe(40);
    expect(others).toEqual([first, first]);
    expect(await readdir(secrets)).toHaveLength(40);
  });

  it.each([0o640, 0o604, 0o622])('refuses a file of mode %o with advice', async (mode) => {
    const path = join(folder, `open-${mode.toString(8)}`);
    await writeFile(path, `k1:${STANDARD}\n`);
    await chmod(path, mode);
    const refusal = await loadOrCreateSecret(path).catch((error: unknown) => error);
    expect(refusal).toBeInstanceOf(InvalidConfiguration);
    expect(String(refusal)).toContain('chmod 600');
    expect(String(refusal)).not.toContain(STANDARD);
  });

  it('refuses a file without a secret and leaves it as it is', async () => {
    const path = join(folder, 'empty');
    await writeFile(path, '', { mode: 0o600 });
    await expect(loadOrCreateSecret(path)).rejects.toThrow(`Configuration ${path}: is empty`);
    expect(await readFile(path, 'utf8')).toBe('');
  });

  it('tells why a file cannot be used', async () => {
    const path = join(folder, 'directory');
    await mkdir(path, { mode: 0o700 });
    await expect(loadOrCreateSecret(path)).rejects.toThrow('cannot be read (EISDIR)');
    await writeFile(join(folder, 'plain'), '');
    const below = loadOrCreateSecret(join(folder, 'plain', 'secret'));
    await expect(below).rejects.toThrow('cannot be read (ENOTDIR)');
  });
});

/** Sources as JavaScript that a bare node process can import. */
const compile = async (folder: string, files: string[]): Promise<void> => {
  await mkdir(join(folder, 'auth'), { recursive: true });
  await writeFile(join(folder, 'package.json'), '{"type":"module"}');
  for (const file of files) {
    const source = fileURLToPath(new URL(`../../src/${file}`, import.meta.url));
    const { outputText } = ts.transpileModule(await readFile(source, 'utf8'), {
      compilerOptions: {
        module: ts.ModuleKind.ESNext,
        target: ts.ScriptTarget.ES2023,
        rewriteRelativeImportExtensions: true,
      },
    });
    await writeFile(join(folder, file.replace(/\.ts$/, '.js')), outputText);
  }
};
