import { fork } from 'node:child_process';
import type { Trial, TrialResult } from './contender.ts';

const patienceMs = 180_000;

/** One sample in a process of its own. Rejects with its first words where it fails or takes for ever. */
export function forkTrial(trial: Trial): Promise<TrialResult> {
  const [, program = ''] = process.argv;
  return new Promise((resolve, reject) => {
    const child = fork(program, ['--trial'], {
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    let result: TrialResult | undefined;
    let said = '';
    const timer = setTimeout(() => child.kill('SIGKILL'), patienceMs);
    const endEarly = (): void => void child.kill('SIGKILL');
    process.once('exit', endEarly);
    child.stderr?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(0, 600)));
    child.once('message', (message) => (result = message as TrialResult));
    child.once('error', reject);
    child.once('close', (code, signal) => {
      clearTimeout(timer);
      process.off('exit', endEarly);
      if (result) resolve(result);
      else reject(new Error(`ended with ${signal ?? `code ${code}`}: ${said.trim()}`));
    });
    child.send(trial);
  });
}
