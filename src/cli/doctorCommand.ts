import type { Command } from 'commander';
import { exitCodes } from './exitCode.ts';
import type { CommandContext } from './io.ts';
import { withService, type ServiceOptions } from './service.ts';

/** `doctor`: looks at all that the product needs; exits with 1 where it finds a problem. */
export function addDoctor(program: Command, { io, exit }: CommandContext): void {
  withService(program.command('doctor'))
    .description('Look whether all is there that the service and this command line need.')
    .action(async ({ url, json = false }: ServiceOptions) => {
      const [{ examine }, { print }, { showFindings }] = await Promise.all([
        import('./doctor/examine.ts'),
        import('./print.ts'),
        import('./doctor/showFindings.ts'),
      ]);
      const findings = await examine(io, url);
      const isWell = findings.every(({ status }) => status !== 'problem');
      print(io, { json }, { ok: isWell, findings }, () => showFindings(io, findings));
      if (!isWell) exit(exitCodes.failure);
    });
}
