import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { startService } from '../../src/http/serve.ts';
import { JobManager } from '../../src/jobs/jobManager.ts';
import type { OpenOptions } from '../../src/jobs/openEngine.ts';
import { main } from '../../src/cli/main.ts';
import { createMemoryStore } from '../../src/store/memory/memoryStore.ts';
import { secrets, type Ended } from './runMain.ts';

/** A service on a free port, on the in-memory store unless told otherwise. */
export async function runningService(options: OpenOptions = {}) {
  const home = await mkdtemp(join(tmpdir(), 'jobwright-service-'));
  const manager = await JobManager.open({
    home,
    secrets,
    logLevel: 'silent',
    ...(options.mongodb === undefined && { store: createMemoryStore() }),
    ...options,
  });
  const service = await startService(manager.engine, { port: 0, isItsOwnAddress: true });
  const { url } = service;
  return {
    manager,
    url,
    home,
    /** What a command needs to find the service and to sign itself tokens. */
    env: { JOBWRIGHT_URL: url, JOBWRIGHT_SECRETS: secrets, JOBWRIGHT_HOME: home },
    token: (kind: 'admin' | 'operator' | 'reader') =>
      manager.issueToken({ kind, subject: 'ada', ttl: 60 }).token,
    /** Resolves when the next stream is open: from then on it misses nothing. */
    nextStream: () =>
      new Promise<void>((resolve) =>
        manager.engine.telemetry.on('http.request', ({ route }) => {
          if (route === '/v1/stream') resolve();
        }),
      ),
    async stop() {
      await service.stop();
      await manager.close();
      await rm(home, { recursive: true, force: true });
    },
  };
}

export interface Terminal {
  readonly env: Readonly<Record<string, string>>;
  /** What is typed, or piped where `isTTY` is false. */
  readonly typed?: string;
  readonly isTTY?: boolean;
  readonly signal?: AbortSignal;
  /** Told whatever is written to stdout. */
  readonly onOutput?: (text: string) => void;
}

/** Runs a command as on a terminal, without colours. */
export async function runOnTerminal(argv: readonly string[], terminal: Terminal): Promise<Ended> {
  const { env, typed = '', isTTY = true, onOutput = () => undefined } = terminal;
  const written = { stdout: '', stderr: '' };
  const code = await main(argv, {
    stdin: Object.assign(Readable.from(typed === '' ? [] : [typed]), { isTTY }),
    stdout: {
      write: (text) => {
        written.stdout += text;
        onOutput(text);
      },
      isTTY,
    },
    stderr: { write: (text) => (written.stderr += text) },
    env: { NO_COLOR: '1', ...env },
    signal: terminal.signal ?? new AbortController().signal,
    program: '',
  });
  return { code, ...written };
}
