import { getRequestListener } from '@hono/node-server';
import { Hono } from 'hono';
import { MongoClient } from 'mongodb';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startService } from '../../src/http/serve.ts';
import { clientOptions } from '../../src/store/mongo/collections.ts';
import { openContext, type Scale } from './context.ts';

/** What a server of the benchmark tells its parent once it listens. */
export interface Listening {
  readonly url: string;
  /** Callback URLs of so many jobs; the bare route takes any. */
  readonly targets: readonly string[];
}

export interface BenchServer extends Listening {
  close(): Promise<void>;
}

/** The service as it is: callbacks with tokens, keys, checks, a history. */
export async function serveOurs(uri: string, scale: Scale, jobs: number): Promise<BenchServer> {
  const context = await openContext(uri, scale);
  const manager = await context.open();
  await manager.pipelines.put('bench', { name: 'Benchmark' });
  const service = await startService(manager.engine, { port: 0, isItsOwnAddress: true });
  const targets = await Promise.all(
    Array.from({ length: jobs }, async (_, run) => {
      const job = await manager.setup('pipelineJob', { pipeline: 'bench', data: { run } });
      await job.run();
      const url = new URL(job.callbackUrl);
      return `${url.pathname}${url.search}`;
    }),
  );
  return {
    url: service.url,
    targets,
    async close() {
      await service.stop();
      await context.close();
    },
  };
}

/** A bare route that inserts what comes, one insertOne a request, with the same write concern. */
export async function serveBare(uri: string, database: string): Promise<BenchServer> {
  const client = new MongoClient(uri, { ...clientOptions, maxPoolSize: 100 });
  await client.connect();
  const reports = client.db(database).collection('reports');
  const app = new Hono().post('/callbacks/:id', async (context) => {
    const body = await context.req.json<Record<string, unknown>>();
    await reports.insertOne({ job: context.req.param('id'), at: new Date(), data: body });
    return context.json({ ok: true });
  });
  const listener = getRequestListener(app.fetch);
  const server = createServer((incoming, outgoing) => void listener(incoming, outgoing));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    targets: ['/callbacks/any'],
    async close() {
      server.close();
      server.closeAllConnections();
      await client.db(database).dropDatabase();
      await client.close();
    },
  };
}
