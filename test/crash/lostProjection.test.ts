import { afterAll, describe, expect, it } from 'vitest';
import { StoreUnavailable } from '../../src/errors.ts';
import { openMongoStore } from '../../src/store/mongo/mongoStore.ts';
import { Telemetry } from '../../src/telemetry/emit.ts';
import { buildEffect, buildJob } from '../store/conformance/builders.ts';
import { testDatabase } from '../support/database.ts';
import { startTcpProxy, type TcpProxy } from '../support/tcpProxy.ts';

const { uri, database } = testDatabase();
const closing: (() => Promise<void>)[] = [];
afterAll(async () => {
  for (const close of closing.reverse()) await close();
});

/** A store whose connections are lost at every write to a collection while `isCut` says so. */
async function openBehindCuts(collection: string) {
  const cut = { isCut: false, times: 0 };
  const { hostname, port } = new URL(uri.replace('mongodb:', 'http:'));
  const proxy: TcpProxy = await startTcpProxy({ host: hostname, port: Number(port) }, (request) => {
    const isWrite = request.includes('insert\0') || request.includes('update\0');
    if (!cut.isCut || !isWrite || !request.includes(`${collection}\0`)) return 'pass';
    cut.times += 1;
    return 'lose';
  });
  closing.push(() => proxy.close());
  const through = uri.replace(/\/\/[^/]+/, `//127.0.0.1:${proxy.port}`);
  const mongodb = through.includes('directConnection')
    ? through
    : `${through}&directConnection=true`;
  const telemetry = new Telemetry();
  const store = await openMongoStore({ mongodb, database, linkedCollections: [], telemetry });
  closing.push(() => store.close());
  return { store, cut };
}

describe('a projection that cannot be written', () => {
  it.each(['jobs', 'effects'])(
    'is refused where the connection to %s is lost, and written when asked again',
    async (collection) => {
      const { store, cut } = await openBehindCuts(collection);
      const [fresh, known] = [buildJob(), buildJob()];
      const effect = buildEffect({ job: fresh.id });
      const write = () => store.project([fresh, known], [effect], new Set([fresh.id]));
      cut.isCut = true;
      await expect(write()).rejects.toThrow(StoreUnavailable);
      cut.isCut = false;
      await write();
      expect(cut.times).toBeGreaterThan(0);
      expect(await store.readJob(fresh.id)).toEqual(fresh);
      expect(await store.readJob(known.id)).toEqual(known);
      expect(await store.pendingEffects(fresh.id)).toEqual([effect]);
    },
  );
});
