import type { Io } from '../io.ts';
import type { OpenDatabase } from '../openDatabase.ts';
import { raised } from '../raised.ts';
import { createPrinter } from './printer.ts';

/** Serves what the sample made, on loopback alone, until the user interrupts; tells how to look at it. */
export async function serveSample(io: Io, { manager, config }: OpenDatabase): Promise<void> {
  const { startService } = await import('../../http/serve.ts');
  const options = { host: '127.0.0.1', isItsOwnAddress: true };
  const service = await startService(manager.engine, { ...options, port: config.port }).catch(() =>
    // Another one listens there: any port does for a look around.
    startService(manager.engine, { ...options, port: 0 }),
  );
  const printer = createPrinter(io);
  const tokenOf = (kind: 'admin' | 'operator'): string =>
    manager.issueToken({ kind, subject: 'dev' }).token;
  printer.line();
  printer.line(printer.paint('bold', 'The service goes on'));
  printer.rows([
    ['listening', service.url],
    ['operator token', tokenOf('operator')],
    ['admin token', tokenOf('admin')],
  ]);
  printer.line();
  printer.line(`curl ${service.url}/v1/jobs -H "Authorization: Bearer <operator token>"`);
  printer.line(
    `npx jobwright job ls${config.port === portOf(service.url) ? '' : ` --url ${service.url}`}`,
  );
  printer.line('Ctrl-C ends it.');
  await raised(io.signal);
  await service.stop();
}

const portOf = (url: string): number => Number(new URL(url).port);
