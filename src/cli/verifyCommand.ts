import { Option, type Command } from 'commander';
import type { VerifyReport } from '../jobs/verifyReport.ts';
import { exitCodes } from './exitCode.ts';
import type { CommandContext, Io } from './io.ts';
import { verdictLines } from './verdict.ts';

interface VerifyCommandOptions {
  readonly job?: string;
  readonly file?: string;
  readonly export?: string;
  readonly json?: boolean;
}

/** `verify`: proves the promises on a database, or on an exported log; exits with 1 where it finds a problem. */
export function addVerify(program: Command, { io, exit }: CommandContext): void {
  program
    .command('verify')
    .description('Prove that the log is whole, and that all else follows from it.')
    .option('--job <id>', 'only this job')
    .addOption(
      new Option('--file <file>', 'an exported log instead of a database (- is stdin)').conflicts([
        'job',
        'export',
      ]),
    )
    .option('--export <file>', 'also write the log to this file, for --file (- is stdout)')
    .option('--json', 'print the report as JSON')
    .addHelpText('after', limits)
    .action(async (options: VerifyCommandOptions) => {
      const report =
        options.file === undefined
          ? await verifyDatabase(io, options)
          : await verifyFile(options.file);
      const lines = options.json
        ? [JSON.stringify(report)]
        : verdictLines(report, options.file === undefined ? 'database' : 'export');
      // An export on stdout must stay one.
      const output = options.export === '-' ? io.stderr : io.stdout;
      output.write(`${lines.join('\n')}\n`);
      if (!report.ok) exit(exitCodes.failure);
    });
}

const limits = `
An exported file cannot tell by itself that whole jobs, or the newest entries of a live job, were cut
off together with the counts at its end. On the database that shows, by the stored jobs.`;

async function verifyDatabase(
  io: Io,
  { job, export: file }: VerifyCommandOptions,
): Promise<VerifyReport> {
  const { withDatabase } = await import('./openDatabase.ts');
  const range = job === undefined ? {} : { job };
  return withDatabase(io, { create: false }, async ({ manager }) => {
    // What a killed process left due is done first: it is late, but not lost.
    await manager.maintain();
    if (file !== undefined) await writeLines(io, file, manager.export(range));
    return manager.verify(range);
  });
}

async function writeLines(
  { stdout }: Io,
  file: string,
  lines: AsyncIterable<string>,
): Promise<void> {
  if (file === '-') {
    for await (const line of lines) stdout.write(`${line}\n`);
    return;
  }
  const [{ createWriteStream }, { pipeline }] = await Promise.all([
    import('node:fs'),
    import('node:stream/promises'),
  ]);
  // It holds the data of all jobs.
  await pipeline(withEnds(lines), createWriteStream(file, { mode: 0o600 }));
}

async function* withEnds(lines: AsyncIterable<string>): AsyncGenerator<string> {
  for await (const line of lines) yield `${line}\n`;
}

async function verifyFile(file: string): Promise<VerifyReport> {
  const [{ open }, { createInterface }, { createRegistry }, { pipelineJob }, { verifyExport }] =
    await Promise.all([
      import('node:fs/promises'),
      import('node:readline'),
      import('../machine/registry.ts'),
      import('../../machines/index.ts'),
      import('../jobs/verifyExport.ts'),
    ]);
  const registry = createRegistry([pipelineJob], new Set(['clearArchive', 'sendReady']));
  if (file === '-') return verifyExport(createInterface({ input: process.stdin }), registry);
  const source = await open(file);
  try {
    return await verifyExport(source.readLines(), registry);
  } finally {
    await source.close();
  }
}
