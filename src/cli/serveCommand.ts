import { InvalidArgumentError, type Command } from 'commander';
import { InvalidConfiguration } from '../errors.ts';
import type { CommandContext, Io } from './io.ts';

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
      const [{ withDatabase }, { startService }, { loadMachines }] = await Promise.all([
        import('./openDatabase.ts'),
        import('../http/serve.ts'),
        import('./loadMachines.ts'),
      ]);
      const options = { create: true, machines: await loadMachines(machines) };
      await withDatabase({ ...io, env }, options, async ({ manager, config }) => {
        const service = await startService(manager.engine, {
          host: config.host,
          port: config.port,
          isItsOwnAddress: io.env['JOBWRIGHT_PUBLIC_URL'] === undefined,
        });
        io.stdout.write(`${JSON.stringify({ listening: service.url, pid: process.pid })}\n`);
        await raised(io.signal);
        await service.stop();
      });
    });
}

/** A service whose secrets were made up on the spot would forget all tokens with its disk. */
function requireSecrets({ env }: Io): void {
  if ((env['JOBWRIGHT_SECRETS'] ?? env['JOBWRIGHT_SECRETS_FILE']) !== undefined) return;
  throw new InvalidConfiguration(
    'JOBWRIGHT_SECRETS',
    'it is not set, and serve does not start without; give k1:<base64 of 32 random bytes>, made with: openssl rand -base64 32',
  );
}

const raised = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

function readPort(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new InvalidArgumentError('Give a number from 0 to 65535.');
}

const gather = (module: string, modules: readonly string[]): readonly string[] => [
  ...modules,
  module,
];
