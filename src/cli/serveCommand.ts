import { InvalidArgumentError, type Command } from 'commander';
import { InvalidConfiguration } from '../errors.ts';
import type { CommandContext, Io } from './io.ts';
import { raised } from './raised.ts';

interface ServeCommandOptions {
  readonly host?: string;
  readonly port?: number;
  readonly machines: readonly string[];
}

/** `serve`: the service, until it is told to stop. Says where it listens as one line of JSON on stdout. */
export function addServe(program: Command, { io }: CommandContext): void {
  program
    .command('serve')
    .description('Serve jobs over HTTP, until SIGTERM or Ctrl-C.')
    .option('--host <address>', 'the address to listen on; JOBWRIGHT_HOST, 127.0.0.1')
    .option('--port <number>', 'the port; JOBWRIGHT_PORT, 8787; 0 takes any', readPort)
    .option('--machines <module>', 'a module that exports machines; repeatable', gather, [])
    .action(async ({ host, port, machines }: ServeCommandOptions) => {
      requireSecrets(io);
      const env = {
        ...io.env,
        ...(host !== undefined && { JOBWRIGHT_HOST: host }),
        ...(port !== undefined && { JOBWRIGHT_PORT: String(port) }),
      };
      const [{ openDatabase }, { startService }, { loadMachines }] = await Promise.all([
        import('./openDatabase.ts'),
        import('../http/serve.ts'),
        import('./loadMachines.ts'),
      ]);
      const options = { create: true, machines: await loadMachines(machines) };
      const database = await openDatabase({ ...io, env }, options);
      let told = performance.now();
      try {
        const { manager, config } = database;
        const service = await startService(manager.engine, {
          host: config.host,
          port: config.port,
          isItsOwnAddress: io.env['JOBWRIGHT_PUBLIC_URL'] === undefined,
          drainMs,
        });
        io.stdout.write(`${JSON.stringify({ listening: service.url, pid: process.pid })}\n`);
        await raised(io.signal);
        told = performance.now();
        await service.stop();
      } finally {
        await closeWithin(told + stopMs - performance.now(), () => database.close());
      }
    });
}

/** For a balancer to see that readiness is off, in milliseconds. */
const drainMs = 500;
/** How long all of it has to end once it is told to, in milliseconds. */
const stopMs = 9_000;

/**
 * Closes as far as that goes in time: a store that is away would hold it up. Nothing acknowledged is lost
 * with the rest, which the next process derives from the log.
 */
async function closeWithin(milliseconds: number, close: () => Promise<void>): Promise<void> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => (timer = setTimeout(resolve, milliseconds)));
  try {
    await Promise.race([close(), late]);
  } finally {
    clearTimeout(timer);
  }
}

/** A service whose secrets were made up on the spot would forget all tokens with its disk. */
function requireSecrets({ env }: Io): void {
  if ((env['JOBWRIGHT_SECRETS'] ?? env['JOBWRIGHT_SECRETS_FILE']) !== undefined) return;
  throw new InvalidConfiguration(
    'JOBWRIGHT_SECRETS',
    'it is not set, and serve does not start without; give k1:<base64 of 32 random bytes>, made with: openssl rand -base64 32',
  );
}

function readPort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError('Give a number from 0 to 65535.');
}

const gather = (module: string, modules: readonly string[]): readonly string[] => [
  ...modules,
  module,
];
