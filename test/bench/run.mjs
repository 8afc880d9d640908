// Bundles the benchmark, as plain Node cannot run the sources, and runs it: npm run bench [-- --help]
import { spawn } from 'node:child_process';
import { rmSync } from 'node:fs';
import { dirname, isAbsolute, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { rolldown } from 'rolldown';

const here = dirname(fileURLToPath(import.meta.url));
// Of this process alone: two benchmarks may run at once, from different sources.
const file = join(here, `../../node_modules/.cache/jobwright-bench/main-${process.pid}.mjs`);
process.on('exit', () => rmSync(file, { force: true }));

const bundle = await rolldown({
  input: join(here, 'main.ts'),
  platform: 'node',
  external: (id) => !id.startsWith('.') && !isAbsolute(id),
});
await bundle.write({ file, format: 'esm', codeSplitting: false });
await bundle.close();

const child = spawn(process.execPath, [file, ...process.argv.slice(2)], { stdio: 'inherit' });
// The child ends what it has started, and this process after it.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => child.kill(signal));
child.on('exit', (code) => (process.exitCode = code ?? 1));
