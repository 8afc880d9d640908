import { existsSync } from 'node:fs';
import { userInfo } from 'node:os';
import { join } from 'node:path';
import type { Tokens } from '../auth/tokens.ts';
import { InvalidConfiguration } from '../errors.ts';
import type { Io } from './io.ts';

/** What signs and verifies tokens with the secrets at hand; it never makes one. Throws InvalidConfiguration. */
export async function openTokens(env: Io['env']): Promise<Tokens> {
  const { readConfig, readSecrets } = await import('../config.ts');
  const { home } = readConfig({}, env);
  if (!hasSecrets(env, home)) {
    throw new InvalidConfiguration(
      'JOBWRIGHT_SECRETS',
      `it is not set, and there is no secret in ${home} (JOBWRIGHT_HOME); give the one that the service has`,
    );
  }
  const { createTokens } = await import('../auth/tokens.ts');
  return createTokens({ keys: await readSecrets({}, home, env), now: Date.now });
}

/** Whether secrets are configured, or made earlier in the home. */
export const hasSecrets = (env: Io['env'], home: string): boolean =>
  (env['JOBWRIGHT_SECRETS'] ?? env['JOBWRIGHT_SECRETS_FILE']) !== undefined ||
  existsSync(join(home, 'secret'));

/** Whom a token names where nothing else is said. */
export function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A user id that the system has no name for.
    return 'cli';
  }
}
