import { spawn, type ChildProcess } from 'node:child_process';
import { createHash, randomUUID } from 'node:crypto';
import { mkdir, rename, writeFile } from 'node:fs/promises';
import { basename, isAbsolute, join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';
import { afterAll } from 'vitest';

/** One JSON object that a child wrote as a line on its stdout. */
export type ChildMessage = Readonly<Record<string, unknown>>;

/** A Node process that tells where it is by lines of JSON, and can be killed at any of them. */
export interface TestChild {
  readonly process: ChildProcess;
  readonly pid: number;
  /** The next line of stdout, parsed; rejects with the child's stderr once it has ended. */
  nextMessage(): Promise<ChildMessage>;
  /** Skips messages until one fits. */
  messageWhere(fits: (message: ChildMessage) => boolean): Promise<ChildMessage>;
  /** Writes a line of JSON to the child's stdin. */
  tell(message: ChildMessage): void;
  /** Signals the child (SIGKILL unless told otherwise) and waits for its end. */
  kill(signal?: NodeJS.Signals): Promise<ChildEnd>;
  /** Resolves when the child has ended, however it did. */
  readonly ended: Promise<ChildEnd>;
  /** What the child has written to stderr so far. */
  stderr(): string;
}

export interface ChildEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
}

const projectRoot = fileURLToPath(new URL('../../', import.meta.url));
const bundleFolder = join(projectRoot, 'node_modules/.cache/jobwright-test');

/**
 * Bundles a TypeScript file of the project, with all it imports of the project, into one module
 * that plain Node runs, and returns its path. Packages stay imports.
 */
export const bundleForChild = async (entry: string): Promise<string> => {
  const bundle = await rolldown({
    input: entry,
    platform: 'node',
    external: (id) => !id.startsWith('.') && !isAbsolute(id) && !/^jobwright(\/|$)/.test(id),
    resolve: {
      alias: {
        'jobwright/client': join(projectRoot, 'src/client/index.ts'),
        'jobwright/worker': join(projectRoot, 'src/worker/index.ts'),
        'jobwright/testing': join(projectRoot, 'src/testing/index.ts'),
        jobwright: join(projectRoot, 'src/index.ts'),
      },
    },
  });
  const { output } = await bundle.generate({ format: 'esm', codeSplitting: false });
  await bundle.close();
  const { code } = output[0];
  const digest = createHash('sha256').update(code).digest('hex').slice(0, 12);
  const path = join(bundleFolder, `${basename(entry, '.ts')}-${digest}.mjs`);
  // Test files run at once may bundle the same entry: each renames a whole file into place.
  const draft = `${path}.${randomUUID()}`;
  await mkdir(bundleFolder, { recursive: true });
  await writeFile(draft, code);
  await rename(draft, path);
  return path;
};

const running = new Set<ChildProcess>();

afterAll(() => {
  for (const child of running) child.kill('SIGKILL');
});

/** Runs a bundle in a Node process of its own; what still runs when the test file ends is killed. */
export const spawnChild = (
  bundle: string,
  options: { args?: readonly string[]; env?: NodeJS.ProcessEnv; cwd?: string } = {},
): TestChild => {
  const child = spawn(process.execPath, [bundle, ...(options.args ?? [])], {
    cwd: options.cwd ?? projectRoot,
    env: { ...process.env, ...options.env },
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  running.add(child);
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  // A child that was killed cannot be told anything; its end is what the test looks at.
  child.stdin.on('error', () => undefined);
  const ended = new Promise<ChildEnd>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code, signal) => {
      running.delete(child);
      resolve({ code, signal });
    });
  });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const nextMessage = async (): Promise<ChildMessage> => {
    const line = await lines.next();
    if (!line.done) return JSON.parse(line.value) as ChildMessage;
    const { code, signal } = await ended;
    throw new Error(`${basename(bundle)} ended (${signal ?? `code ${code}`}): ${errors.trim()}`);
  };
  return {
    process: child,
    pid: child.pid ?? 0,
    nextMessage,
    messageWhere: async (fits) => {
      for (;;) {
        const message = await nextMessage();
        if (fits(message)) return message;
      }
    },
    tell: (message) => void child.stdin.write(`${JSON.stringify(message)}\n`),
    kill: (signal = 'SIGKILL') => {
      child.kill(signal);
      return ended;
    },
    ended,
    stderr: () => errors,
  };
};
