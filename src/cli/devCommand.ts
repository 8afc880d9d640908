import type { Command } from 'commander';
import { exitCodes } from './exitCode.ts';
import type { CommandContext } from './io.ts';

/** `dev`: a sample pipeline on real texts, from set-up to the verdict of verify, with everything embedded. */
export function addDev(program: Command, { io, exit }: CommandContext): void {
  program
    .command('dev')
    .description('Run a sample pipeline on real texts, from set-up to the verdict of verify.')
    .option('--once', 'end after the verdict')
    .action(async () => {
      const [{ withDatabase }, { runSample }] = await Promise.all([
        import('./openDatabase.ts'),
        import('./dev/runSample.ts'),
      ]);
      const ok = await withDatabase(io, { create: true }, (database) => runSample(io, database));
      if (!ok) exit(exitCodes.failure);
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
