import { InvalidArgumentError, type Command } from 'commander';
import type { CommandContext, Io } from './io.ts';
import { openTokens, userName } from './openTokens.ts';

interface TokenOptions {
  readonly ttl?: number;
  readonly json?: boolean;
}

/** `token <kind>`: signs a token with the secrets at hand. Only that of a job needs the database. */
export function addToken(program: Command, { io }: CommandContext): void {
  const token = program.command('token').description('Sign a token.');
  for (const kind of ['admin', 'operator', 'reader', 'worker'] as const) {
    withLimits(token.command(kind))
      .description(`a token of ${/^[ao]/.test(kind) ? 'an' : 'a'} ${kind}`)
      .option('--subject <name>', 'whom it names; default: your user name', userName())
      .action(async ({ subject, ...options }: TokenOptions & { subject: string }) => {
        const { ttl } = options;
        const tokens = await openTokens(io.env);
        print(io, options, tokens.issue({ kind, subject, ...(ttl !== undefined && { ttl }) }));
      });
  }
  withLimits(token.command('job'))
    .description('a token of one job, for callbacks and deferred updates')
    .requiredOption('--job <id>', 'the job')
    .option('--events <names>', 'only for these events, separated by commas', splitNames)
    .option('--once', 'good for one accepted request')
    .action(async ({ job: id, events, once, ttl, json }: JobTokenOptions) => {
      const { withDatabase } = await import('./openDatabase.ts');
      const issued = await withDatabase(io, { create: false }, async ({ manager }) => {
        const job = await manager.job(id);
        return job.issueToken({
          ...(events && { events }),
          ...(once && { once }),
          ...(ttl !== undefined && { ttl }),
        });
      });
      print(io, { json: json ?? false }, issued);
    });
}

interface JobTokenOptions extends TokenOptions {
  readonly job: string;
  readonly events?: readonly string[];
  readonly once?: boolean;
}

const withLimits = (command: Command): Command =>
  command
    .option('--ttl <seconds>', 'how long it lives', readSeconds)
    .option('--json', 'print {"token", "expiresAt"}');

function print(
  io: Io,
  { json }: TokenOptions,
  { token, expiresAt }: { token: string; expiresAt: Date },
) {
  if (json) return io.stdout.write(`${JSON.stringify({ token, expiresAt })}\n`);
  io.stderr.write(`expires ${expiresAt.toISOString()}\n`);
  return io.stdout.write(`${token}\n`);
}

function readSeconds(text: string): number {
  if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('Give a whole number of seconds.');
}

const splitNames = (text: string): string[] =>
  text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
