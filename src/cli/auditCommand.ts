import type { Command } from 'commander';
import type { CommandContext, Io } from './io.ts';
import { readWhole } from './readWhole.ts';
import { openClient, withService, type ServiceOptions } from './service.ts';

interface AuditOptions extends ServiceOptions {
  readonly limit?: number;
}

/** `audit ls`: what was refused to administrators, and the tokens that were issued. */
export function addAudit(program: Command, { io }: CommandContext): void {
  const audit = program.command('audit').description('Look at the administrative record.');
  withService(audit.command('ls'))
    .description('list refused administrative attempts and issued tokens, newest first (admins)')
    .option('--limit <number>', 'so many at most', readWhole)
    .action(async (options: AuditOptions) => list(io, options));
}

async function list(io: Io, options: AuditOptions): Promise<void> {
  const client = await openClient(io, options, 'admin');
  const answer = await client.audit({ limit: options.limit }, { signal: io.signal });
  const { print } = await import('./print.ts');
  print(io, options, answer, (view) => {
    const rows = answer.records.map(({ at, action, outcome, jobId, actor, code, reason }) => [
      at,
      action,
      outcome,
      jobId ?? '',
      actor ? `${actor.kind} ${actor.id}` : '',
      code ?? '',
      reason ?? '',
    ]);
    view.table(['at', 'action', 'outcome', 'job', 'by', 'code', 'reason'], rows);
  });
}
