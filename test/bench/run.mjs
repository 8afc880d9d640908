// Bundles the benchmark, as plain Node cannot run the sources, and runs it: npm run bench [-- --help]
import { spawn } from 'node:child_process';
import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const here = dirname(fileURLToPath(import.meta.url));
const file = join(here, '../../node_modules/.cache/jobwright-bench/main.mjs');

const bundle = await rolldown({
  input: join(here, 'main.ts'),
  platform: 'node',
  external: (id) => !id.startsWith('.') && !isAbsolute(id),
});
await bundle.write({ file, format: 'esm', codeSplitting: false });
await bundle.close();

const child = spawn(process.execPath, [file, ...process.argv.slice(2)], { stdio: 'inherit' });
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => (process.exitCode = code ?? 1));
