import { readFileSync } from 'node:fs';
import type { Command } from 'commander';
import type { JobwrightClient } from '../client/jobwrightClient.ts';
import { InvalidConfiguration } from '../errors.ts';
import type { Io } from './io.ts';

/** What every command has that asks the service. */
export interface ServiceOptions {
  readonly url?: string;
  readonly json?: boolean;
}

/** As whom a command may sign itself in. */
export type OwnKind = 'operator' | 'admin' | 'worker';

/** Seconds: longer than any request, shorter than anything else. */
const ownTokenTtl = 300;

export const withService = (command: Command): Command =>
  command
    .option('--url <url>', 'the service; default: JOBWRIGHT_URL, else where serve listens')
    .option('--json', 'print JSON, as without a terminal');

/**
 * A client of the service. Its token is that of JOBWRIGHT_TOKEN(_FILE); without one it signs itself one
 * of this kind, for five minutes and in the user's name, where the service's secrets are at hand.
 */
export async function openClient(
  io: Pick<Io, 'env'>,
  { url }: ServiceOptions,
  kind: OwnKind = 'operator',
): Promise<JobwrightClient> {
  const { JobwrightClient } = await import('../client/jobwrightClient.ts');
  return new JobwrightClient({
    url: serviceUrl(io.env, url),
    token: await tokenSource(io.env, kind),
  });
}

/** The token that the environment gives, else what signs one. Throws InvalidConfiguration. */
export const tokenSource = async (
  env: Io['env'],
  kind: OwnKind,
): Promise<string | (() => string)> => givenToken(env) ?? ownToken(env, kind);

/** Where the service is: as told, or where it would listen by the same settings. */
export function serviceUrl(env: Io['env'], told?: string): string {
  const given = told ?? env['JOBWRIGHT_URL'] ?? env['JOBWRIGHT_PUBLIC_URL'];
  if (given !== undefined) return given;
  const { JOBWRIGHT_HOST: host = '127.0.0.1', JOBWRIGHT_PORT: port = '8787' } = env;
  // What listens everywhere is asked on this machine.
  const reachable = anyAddress.get(host) ?? host;
  return `http://${reachable.includes(':') ? `[${reachable}]` : reachable}:${port}`;
}

const anyAddress: ReadonlyMap<string, string> = new Map([
  ['0.0.0.0', '127.0.0.1'],
  ['::', '::1'],
]);

/** Never from an argument: the list of processes shows those to everybody. */
function givenToken(env: Io['env']): string | undefined {
  const file = env['JOBWRIGHT_TOKEN_FILE'];
  if (env['JOBWRIGHT_TOKEN'] !== undefined || file === undefined) return env['JOBWRIGHT_TOKEN'];
  try {
    return readFileSync(file, 'utf8').trim();
  } catch (cause) {
    throw new InvalidConfiguration('JOBWRIGHT_TOKEN_FILE', 'the file cannot be read', { cause });
  }
}

async function ownToken(env: Io['env'], kind: OwnKind): Promise<() => string> {
  const { openTokens, userName } = await import('./openTokens.ts');
  const tokens = await openTokens(env).catch((cause: unknown) => {
    throw new InvalidConfiguration(
      'JOBWRIGHT_TOKEN',
      `no token is given, and none can be signed here (${cause instanceof Error ? cause.message : 'no secret'}). Get one where the secrets are: jobwright token ${kind}`,
      { cause },
    );
  });
  // Anew each time: what watches for hours outlives a token.
  return () => tokens.issue({ kind, subject: userName(), ttl: ownTokenTtl }).token;
}
