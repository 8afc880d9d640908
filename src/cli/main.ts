#!/usr/bin/env node
import { realpathSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Command, CommanderError } from 'commander';
import { JobError } from '../errors.ts';
import { addDev } from './devCommand.ts';
import { exitCodeOf, exitCodes, systemCode } from './exitCode.ts';
import type { Io } from './io.ts';
import { packageVersion } from './packageFile.ts';
import { addToken } from './tokenCommand.ts';
import { addVerify } from './verifyCommand.ts';

/**
 * Runs one command and resolves to its exit code: data on stdout, messages on stderr. Whatever a
 * command needs beside its own options is loaded when it runs, so that help is there at once.
 */
export async function main(argv: readonly string[], io: Io): Promise<number> {
  let code: number = exitCodes.ok;
  const program = new Command('jobwright')
    .description('Long-running jobs as explicit finite state machines.')
    .version(packageVersion())
    .exitOverride()
    .configureOutput({
      writeOut: (text) => io.stdout.write(text),
      writeErr: (text) => io.stderr.write(text),
    })
    .showHelpAfterError('(jobwright --help lists the commands)');
  const context = { io, exit: (other: number) => void (code = other) };
  for (const add of [addDev, addVerify, addToken]) add(program, context);
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

/** The code and the message, for a person or as JSON. */
function describe(error: unknown, asJson: boolean, io: Io): string {
  const { code, message } =
    error instanceof JobError
      ? error
      : { code: systemCode(error) ?? 'UNEXPECTED', message: messageOf(error) };
  if (asJson) {
    const told = error instanceof JobError ? error.toJSON() : { code, message };
    return JSON.stringify(told);
  }
  const stack = io.env['JOBWRIGHT_LOG_LEVEL'] === 'debug' && error instanceof Error && error.stack;
  return `${code}: ${message}${stack ? `\n${stack}` : ''}`;
}

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** How long a command has to end after the first interruption; the second one ends it at once. */
const graceMs = 5_000;

async function runProcess(): Promise<void> {
  const interrupted = new AbortController();
  process.on('SIGINT', () => {
    if (interrupted.signal.aborted) process.exit(exitCodes.interrupted);
    interrupted.abort();
    setTimeout(() => process.exit(exitCodes.interrupted), graceMs).unref();
  });
  const { stdout, stderr, env } = process;
  // Whoever read our data has seen enough.
  stdout.on('error', () => process.exit(exitCodes.failure));
  const program = fileURLToPath(import.meta.url);
  const io = { stdout, stderr, env, signal: interrupted.signal, program };
  process.exitCode = await main(process.argv.slice(2), io);
}

/** Whether this file is what node was told to run, if only by a link. */
const isProgram = (): boolean => {
  const [, started] = process.argv;
  return started !== undefined && realpathSync(started) === fileURLToPath(import.meta.url);
};

if (isProgram()) await runProcess();
