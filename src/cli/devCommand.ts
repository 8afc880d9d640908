import type { Command } from 'commander';
import { exitCodes } from './exitCode.ts';
import type { CommandContext } from './io.ts';

/**
 * `dev`: a sample pipeline on real texts, from set-up to the verdict of verify, with everything embedded.
 * On a terminal it then serves what it made, until Ctrl-C.
 */
export function addDev(program: Command, { io, exit }: CommandContext): void {
  program
    .command('dev')
    .description(
      'Run a sample pipeline on real texts, from set-up to the verdict of verify; then serve it.',
    )
    .option('--once', 'end after the verdict, as where no terminal is')
    .action(async ({ once = false }: { once?: boolean }) => {
      const [{ withDatabase }, { runSample }, { serveSample }] = await Promise.all([
        import('./openDatabase.ts'),
        import('./dev/runSample.ts'),
        import('./dev/serveSample.ts'),
      ]);
      await withDatabase(io, { create: true }, async (database) => {
        if (!(await runSample(io, database))) return exit(exitCodes.failure);
        if (!once && io.stdout.isTTY) await serveSample(io, database);
      });
    });
  program
    .command('dev-worker', { hidden: true })
    .description(
      'Count the words of a text for a job of another process, named by the environment.',
    )
    .argument('<text>')
    .argument('<directory>')
    .action(async (text: string, directory: string) => {
      const { work } = await import('./dev/worker.ts');
      await work(io.env, text, directory);
    });
}
