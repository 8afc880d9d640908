import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll } from 'vitest';
import { parseSecrets } from '../../src/auth/secrets.ts';
import { createTokens } from '../../src/auth/tokens.ts';
import { choosePort } from '../../src/embedded/mongodProcess.ts';
import { bundleForChild, spawnChild, type TestChild } from './childProcess.ts';

/** What services that stand for each other have in common. */
export interface ServiceSettings {
  readonly uri: string;
  readonly database: string;
  readonly secrets: string;
  readonly home: string;
}

/** `serve` in a process of its own, on a real port. */
export interface ServiceProcess extends TestChild {
  readonly url: string;
  readonly port: number;
}

export interface ServiceTokens {
  readonly admin: string;
  readonly operator: string;
  readonly reader: string;
}

/** Settings with fresh secrets and a home that goes after the test file. Call it where hooks may be registered. */
export function serviceSettings(at: { uri: string; database: string }): Promise<ServiceSettings> {
  const home = mkdtemp(join(tmpdir(), 'jobwright-services-'));
  afterAll(async () => rm(await home, { recursive: true, force: true }));
  const secrets = `k1:${randomBytes(32).toString('base64')}`;
  return home.then((folder) => ({ ...at, secrets, home: folder }));
}

/** Tokens that the services of these settings accept. */
export function serviceTokens({ secrets }: ServiceSettings): ServiceTokens {
  const tokens = createTokens({ keys: parseSecrets(secrets), now: Date.now });
  const issue = (kind: keyof ServiceTokens): string =>
    tokens.issue({ kind, subject: `the-${kind}`, ttl: 3_600 }).token;
  return { admin: issue('admin'), operator: issue('operator'), reader: issue('reader') };
}

/** The environment by which commands find the database and the secrets. */
export const serviceEnv = (settings: ServiceSettings): Record<string, string> => ({
  JOBWRIGHT_MONGODB_URI: settings.uri,
  JOBWRIGHT_DATABASE: settings.database,
  JOBWRIGHT_SECRETS: settings.secrets,
  JOBWRIGHT_HOME: settings.home,
  JOBWRIGHT_LOG_LEVEL: 'error',
});

let bundle: Promise<string> | undefined;

/** The command line as one module that plain Node runs. */
export const programBundle = (): Promise<string> =>
  (bundle ??= bundleForChild(fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url))));

/** A port that no outgoing connection takes while a service that was killed is started again. */
export const freePort = (): Promise<number> => choosePort(undefined);

/** Starts a service and resolves once it has said where it listens. */
export async function startServiceProcess(
  settings: ServiceSettings,
  port: number,
): Promise<ServiceProcess> {
  const child = spawnChild(await programBundle(), {
    args: ['serve', '--port', String(port)],
    env: serviceEnv(settings),
  });
  const { listening } = await child.messageWhere((message) => 'listening' in message);
  return { ...child, url: listening as string, port };
}
