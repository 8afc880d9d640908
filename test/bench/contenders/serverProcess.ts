import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { rmSync } from 'node:fs';
import { createServer, type AddressInfo } from 'node:net';

export interface Launch {
  readonly program: string;
  readonly args: readonly string[];
  /** Holds all that it writes. */
  readonly cwd: string;
  /** Said by the server, on either stream, once it takes connections. */
  readonly ready: RegExp;
  /** Ends it without waiting for its clients. */
  readonly endWith: NodeJS.Signals;
}

/** A server that this process started. */
export interface ServerProcess {
  readonly pid: number;
  readonly end: () => Promise<void>;
}

const patienceMs = 60_000;
const remembered = 4_000;

/** Starts it and waits for its word. Rejects with its last words where it ends or says nothing. */
export async function startServer(launch: Launch): Promise<ServerProcess> {
  const { program, args, cwd, endWith } = launch;
  const child = spawn(program, args, { cwd, stdio: ['ignore', 'pipe', 'pipe'] });
  // Where this process ends early, its servers must not outlive it, nor what they wrote.
  const kill = (): void => {
    child.kill('SIGQUIT');
    rmSync(cwd, { recursive: true, force: true, maxRetries: 5, retryDelay: 100 });
  };
  process.once('exit', kill);
  const end = async (): Promise<void> => {
    await endChild(child, endWith);
    process.off('exit', kill);
  };
  try {
    await waitForWord(child, launch);
  } catch (error) {
    await end();
    throw error;
  }
  return { pid: child.pid ?? NaN, end };
}

function waitForWord(child: ChildProcess, { program, ready }: Launch): Promise<void> {
  return new Promise((resolve, reject) => {
    let said = '';
    let isReady = false;
    const refuse = (why: string): void =>
      reject(new Error(`${program} ${why}: ${said.trim().slice(-500)}`));
    const timer = setTimeout(() => refuse('does not get ready'), patienceMs);
    const hear = (chunk: Buffer): void => {
      if (isReady) return;
      said = (said + chunk.toString()).slice(-remembered);
      isReady = ready.test(said);
      if (!isReady) return;
      clearTimeout(timer);
      resolve();
    };
    // Read on for good: a full pipe would stop the server.
    child.stdout?.on('data', hear);
    child.stderr?.on('data', hear);
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      refuse(`ended with ${signal ?? `code ${code}`}`);
    });
  });
}

async function endChild(child: ChildProcess, signal: NodeJS.Signals): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill(signal);
  const timer = setTimeout(() => child.kill('SIGKILL'), 20_000);
  await ended;
  clearTimeout(timer);
}

/** A loopback port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

/** Another process may take a free port first: then with another one. */
export async function onFreePort<Result>(
  start: (port: number) => Promise<Result>,
): Promise<Result> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await start(await freePort());
    } catch (error) {
      if (attempt === 3) throw error;
    }
  }
}
