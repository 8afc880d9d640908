import { JobwrightClient } from 'jobwright/client';
import { createWorker } from 'jobwright/worker';

const client = new JobwrightClient({
  url: process.env['JOBWRIGHT_URL'] ?? 'http://127.0.0.1:8787',
  token: process.env['JOBWRIGHT_TOKEN'] ?? '',
  // The worker itself asks again, and knows what for.
  retries: 0,
});
const worker = createWorker({
  workers: client.workers,
  programs: { square: '1.0' },
  tags: ['small', '*'],
  untilEmpty: true, // without it, it goes on until stop()
  run({ data }, { progress, signal }) {
    const { n } = data['input'] as { n: number };
    progress({ done: 0.5 });
    // Raised where the record was cancelled, or is no longer this worker's.
    signal.throwIfAborted();
    return { result: { square: n ** 2 }, stdout: `squared ${n}` };
  },
  onEvent(event) {
    if (event.event === 'reported') console.log(`${event.outcome}: now ${event.state}`);
  },
});
await worker.start();
await worker.ended;
