#!/usr/bin/env node
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import { JobError } from '../errors.ts';
import { addAudit } from './auditCommand.ts';
import { addBulk } from './bulkCommand.ts';
import { addCompletion } from './completionCommand.ts';
import { addDataset } from './datasetCommand.ts';
import { addDev } from './devCommand.ts';
import { addDoctor } from './doctorCommand.ts';
import { addDocument } from './documentCommand.ts';
import { exitCodeOf, exitCodes, systemCode } from './exitCode.ts';
import type { CommandContext, Io } from './io.ts';
import { addJob } from './jobCommand.ts';
import { addMachine } from './machineCommand.ts';
import { nextStep } from './nextStep.ts';
import { packageVersion } from './packageFile.ts';
import { addPipeline } from './pipelineCommand.ts';
import { addRecord } from './recordCommand.ts';
import { addServe } from './serveCommand.ts';
import { showJson, showText } from './showText.ts';
import { addToken } from './tokenCommand.ts';
import { addVerify } from './verifyCommand.ts';
import { addWorker } from './workerCommand.ts';

/**
 * Runs one command and resolves to its exit code: data on stdout, messages on stderr. Whatever a
 * command needs beside its own options is loaded when it runs, so that help is there at once.
 */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  let code: number = exitCodes.ok;
  const program = createProgram({ io, exit: (other) => void (code = other) });
  try {
    await program.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    if (error instanceof CommanderError)
      return error.exitCode === 0 ? exitCodes.ok : exitCodes.usage;
    if (io.signal.aborted) return exitCodes.interrupted;
    io.stderr.write(`${describe(error, argv.includes('--json'), io)}\n`);
    return exitCodeOf(error);
  }
}

/** The whole tree of commands; what its documents and completions are made from. */
export function createProgram(context: CommandContext): Command {
  const { stdout, stderr } = context.io;
  const program = new Command('jobwright')
    .description('Long-running jobs as explicit finite state machines.')
    .version(packageVersion())
    .exitOverride()
    .configureOutput({
      writeOut: (text) => stdout.write(text),
      writeErr: (text) => stderr.write(text),
    })
    .showHelpAfterError('(jobwright --help lists the commands)');
  for (const add of commands) add(program, context);
  return program;
}

const commands: readonly ((program: Command, context: CommandContext) => void)[] = [
  addDev,
  addServe,
  addJob,
  addBulk,
  addRecord,
  addDataset,
  addWorker,
  addPipeline,
  addDocument,
  addMachine,
  addToken,
  addAudit,
  addVerify,
  addDoctor,
  addCompletion,
];

/** The code, the message and what to do next, for a person or as JSON. */
function describe(error: unknown, asJson: boolean, io: Io): string {
  const { code, message } =
    error instanceof JobError
      ? error
      : { code: systemCode(error) ?? 'UNEXPECTED', message: messageOf(error) };
  const next = nextStep(error, code);
  if (asJson) {
    const told = error instanceof JobError ? error.toJSON() : { code, message };
    return showJson({ ...told, ...(next !== undefined && { next }) });
  }
  const stack = io.env['JOBWRIGHT_LOG_LEVEL'] === 'debug' && error instanceof Error && error.stack;
  const lines = [`${code}: ${showText(message)}`];
  if (next !== undefined) lines.push(`  next: ${next}`);
  if (stack) lines.push(stack);
  return lines.join('\n');
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** How long a command has to end after the first interruption; the second one ends it at once. */
const graceMs = 9_500;

/** What the user's interruptions come to: two signals, the second for a command that asked for patience. */
function watchInterruptions(): Pick<Io, 'signal' | 'patience'> {
  const interrupted = new AbortController();
  const hurried = new AbortController();
  let isPatient = false;
  const interrupt = (): void => {
    const [next] = [interrupted, ...(isPatient ? [hurried] : [])].filter(
      ({ signal }) => !signal.aborted,
    );
    if (!next) process.exit(exitCodes.interrupted);
    next.abort();
    if (isPatient && next === interrupted) return;
    setTimeout(() => process.exit(exitCodes.interrupted), graceMs).unref();
  };
  process.on('SIGINT', interrupt);
  process.on('SIGTERM', interrupt);
  const patience = { hurry: hurried.signal, ask: () => void (isPatient = true) };
  return { signal: interrupted.signal, patience };
}

async function runProcess(): Promise<void> {
  const interruptions = watchInterruptions();
  const { stdin, stdout, stderr, env } = process;
  // Whoever read our data has seen enough.
  stdout.on('error', () => process.exit(exitCodes.failure));
  const program = fileURLToPath(import.meta.url);
  const io = { stdin, stdout, stderr, env, ...interruptions, program };
  process.exitCode = await main(process.argv.slice(2), io);
  // What a command has left behind by then, as its database is away, is not waited for.
  if (io.signal.aborted) process.exit();
}

/** Whether this file is what node was told to run, if only by a link. */
const isProgram = (): boolean => {
  const [, started] = process.argv;
  return started !== undefined && realpathSync(started) === fileURLToPath(import.meta.url);
};

if (isProgram()) await runProcess();
