import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import {
  checkSecretKeys,
  loadOrCreateSecret,
  parseSecrets,
  type SecretKey,
} from './auth/secrets.ts';
import { InvalidConfiguration } from './errors.ts';
import { checkLimits, parseLimits, type Limits } from './limits.ts';

/** Every setting, as an option of JobManager.open or as an environment variable; the option wins. */
export interface ConfigOptions {
  /** JOBWRIGHT_MONGODB_URI. Absent: an embedded one-node replica set under `home`. */
  readonly mongodb?: string | undefined;
  /** JOBWRIGHT_DATABASE, default `jobwright`. */
  readonly database?: string | undefined;
  /** JOBWRIGHT_SECRETS, `kid:base64,kid:base64`, the first signs. Absent: made once under `home`. */
  readonly secrets?: string | readonly SecretKey[] | undefined;
  /** JOBWRIGHT_ARCHIVE_ROOT, default `<home>/archive`. */
  readonly archiveRoot?: string | undefined;
  /** JOBWRIGHT_ARCHIVE_PREFIXES, separated by commas, default `/products/v2`. */
  readonly archivePrefixes?: string | readonly string[] | undefined;
  /**
   * JOBWRIGHT_MAKE_DIRECTORIES, default true: whether a set-up makes the job's archive directory. With
   * false it leaves the file system alone: whoever writes first makes it, or a reset does.
   */
  readonly makeDirectories?: boolean | undefined;
  /** JOBWRIGHT_HOST, default `127.0.0.1`: the address that `serve` listens on. */
  readonly host?: string | undefined;
  /** JOBWRIGHT_PORT, default 8787; 0 takes any that is free. */
  readonly port?: number | string | undefined;
  /** JOBWRIGHT_PUBLIC_URL, default `http://<host>:<port>`: where callback URLs lead. */
  readonly publicUrl?: string | undefined;
  /** JOBWRIGHT_LINKED_COLLECTIONS, separated by commas. */
  readonly linkedCollections?: string | readonly string[] | undefined;
  /** JOBWRIGHT_HOME, default `.jobwright`: what the embedded database and `dev` keep. */
  readonly home?: string | undefined;
  /** JOBWRIGHT_LOG_LEVEL, default `warn`. */
  readonly logLevel?: string | undefined;
  /** JOBWRIGHT_LIMITS, `name=number,name=number`; see Limits. */
  readonly limits?: string | Partial<Limits> | undefined;
}

export interface Config {
  readonly mongodb: string | undefined;
  readonly database: string;
  readonly archiveRoot: string;
  readonly archivePrefixes: readonly string[];
  readonly makeDirectories: boolean;
  readonly host: string;
  readonly port: number;
  readonly publicUrl: string;
  readonly linkedCollections: readonly string[];
  readonly home: string;
  readonly logLevel: string;
  readonly limits: Partial<Limits>;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads the settings. Throws InvalidConfiguration naming the setting. */
export function readConfig(options: ConfigOptions, env: Environment = process.env): Config {
  const home = resolve(options.home ?? env['JOBWRIGHT_HOME'] ?? '.jobwright');
  const host = parse(
    'JOBWRIGHT_HOST',
    hostName,
    options.host ?? env['JOBWRIGHT_HOST'] ?? '127.0.0.1',
  );
  const port = parse('JOBWRIGHT_PORT', portNumber, options.port ?? env['JOBWRIGHT_PORT'] ?? 8787);
  return {
    home,
    host,
    port,
    mongodb: options.mongodb ?? fromEnvironment(env, 'JOBWRIGHT_MONGODB_URI'),
    database: parse(
      'JOBWRIGHT_DATABASE',
      databaseName,
      options.database ?? env['JOBWRIGHT_DATABASE'] ?? 'jobwright',
    ),
    archiveRoot: resolve(
      options.archiveRoot ?? env['JOBWRIGHT_ARCHIVE_ROOT'] ?? join(home, 'archive'),
    ),
    archivePrefixes: list(
      options.archivePrefixes ?? env['JOBWRIGHT_ARCHIVE_PREFIXES'] ?? '/products/v2',
    ),
    makeDirectories: parse(
      'JOBWRIGHT_MAKE_DIRECTORIES',
      truth,
      options.makeDirectories ?? env['JOBWRIGHT_MAKE_DIRECTORIES'] ?? true,
    ),
    publicUrl: parse(
      'JOBWRIGHT_PUBLIC_URL',
      webUrl,
      options.publicUrl ?? env['JOBWRIGHT_PUBLIC_URL'] ?? urlOf(host, port),
    ),
    linkedCollections: parse(
      'JOBWRIGHT_LINKED_COLLECTIONS',
      z.array(collectionName),
      list(
        options.linkedCollections ??
          env['JOBWRIGHT_LINKED_COLLECTIONS'] ??
          'experiments,samples,measurements,files,references',
      ),
    ),
    logLevel: parse(
      'JOBWRIGHT_LOG_LEVEL',
      logLevel,
      options.logLevel ?? env['JOBWRIGHT_LOG_LEVEL'] ?? 'warn',
    ),
    limits: readLimits(options.limits ?? env['JOBWRIGHT_LIMITS'] ?? ''),
  };
}

/** The keys that sign tokens; made once under `home` where none are given. */
export async function readSecrets(
  options: Pick<ConfigOptions, 'secrets'>,
  home: string,
  env: Environment = process.env,
): Promise<readonly SecretKey[]> {
  const given = options.secrets ?? fromEnvironment(env, 'JOBWRIGHT_SECRETS');
  if (given === undefined) return loadOrCreateSecret(join(home, 'secret'));
  if (typeof given === 'string') return parseSecrets(given);
  checkSecretKeys(given);
  return given;
}

/** A variable, or the content of the file that its `_FILE` variant names. */
function fromEnvironment(env: Environment, name: string): string | undefined {
  const file = env[`${name}_FILE`];
  if (env[name] !== undefined || file === undefined) return env[name];
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new InvalidConfiguration(`${name}_FILE`, 'the file cannot be read', { cause });
  }
}

const readLimits = (given: string | Partial<Limits>): Partial<Limits> =>
  typeof given === 'string' ? parseLimits(given) : checkLimits(given);

const databaseName = z
  .string()
  .regex(/^[A-Za-z0-9_-]{1,63}$/, 'letters, digits, _ and -, at most 63');
const reserved = [
  'commits',
  'jobs',
  'tombstones',
  'effects',
  'processes',
  'counts',
  'pipelines',
  'archives',
  'audit',
  'workers',
  'datasets',
  'datasetEntries',
  'datasetItems',
  'looseOutputs',
];
const collectionName = z
  .string()
  .regex(/^[A-Za-z][A-Za-z0-9_-]{0,63}$/, 'letters, digits, _ and -, at most 64')
  .refine((name) => !reserved.includes(name), `not one of ${reserved.join(', ')}`);
const hostName = z.string().regex(/^[A-Za-z0-9.:_-]{1,253}$/, 'a host name or an address');
const truth = z.union(
  [z.boolean(), z.enum(['true', 'false']).transform((text) => text === 'true')],
  {
    error: 'true or false',
  },
);
const portNumber = z.coerce.number().int().min(0).max(65_535);

/** Whoever listens on every address is reached on this machine under loopback. */
const urlOf = (host: string, port: number): string => {
  const name = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${name.includes(':') ? `[${name}]` : name}:${port}`;
};

const webUrl = z.url({ protocol: /^https?$/, error: 'an http or https URL' });
const logLevel = z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent']);

const list = (value: string | readonly string[]): readonly string[] =>
  typeof value === 'string'
    ? value
        .split(',')
        .map((item) => item.trim())
        .filter((item) => item !== '')
    : value;

function parse<T>(setting: string, schema: z.ZodType<T>, value: unknown): T {
  const result = schema.safeParse(value);
  if (result.success) return result.data;
  const reasons = result.error.issues.map(({ path, message }) => [...path, message].join(' '));
  throw new InvalidConfiguration(setting, `expected ${reasons.join('; ')}`);
}
