import { execFile } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { promisify } from 'node:util';
import { MongoClient, type Db } from 'mongodb';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { JobManager } from '../../src/jobs/jobManager.ts';
import { spawnChild, type TestChild } from '../support/childProcess.ts';
import { testDatabase } from '../support/database.ts';
import {
  programBundle,
  serviceEnv,
  serviceSettings,
  type ServiceSettings,
} from '../support/serviceProcess.ts';
import { isLong } from '../support/waitUntil.ts';
import { bodyRequest, rawRequest } from './bytes.ts';
import { findStrangers, writesOf } from './database.ts';
import { drawFor, type Draw } from './draw.ts';
import { createWorld, type FuzzWorld } from './fuzzWorld.ts';
import { describeFault, findFaults, learnFrom } from './judge.ts';
import { schemaRequest, toBytes, type FuzzRequest } from './requests.ts';
import { urlRequest } from './urls.ts';
import { createWireClient, type Exchange, type WireClient } from './wireClient.ts';

/** The same requests in every run of CI; others each time where there are many. */
const seed = Number(process.env['FUZZ_SEED'] ?? (isLong ? randomInt(2 ** 31) : 20_261_121));
const count = Number(process.env['FUZZ_COUNT'] ?? (isLong ? 100_000 : 3_000));
/** Requests at once; and how many come between two pauses in which some are sent alone. */
const atOnce = 16;
const stretch = isLong ? 400 : 100;
const alone = isLong ? 8 : 4;
const slowMs = 2_000;

const opening = serviceSettings(testDatabase());
let settings: ServiceSettings;
let service: TestChild & { readonly url: string };
let world: FuzzWorld;
let client: WireClient;
let mongo: MongoClient;
let db: Db;

beforeAll(async () => {
  settings = await opening;
  service = await startService();
  world = await createWorld(service.url, settings.secrets);
  client = createWireClient(service.url);
  mongo = new MongoClient(settings.uri);
  db = mongo.db(settings.database);
});

afterAll(async () => {
  client?.close();
  await mongo?.close();
});

/** With little room for garbage: its size would say nothing about what it keeps. */
async function startService(): Promise<typeof service> {
  const env = {
    ...serviceEnv(settings),
    NODE_OPTIONS: '--max-old-space-size=160 --max-semi-space-size=8',
  };
  const child = spawnChild(await programBundle(), { args: ['serve', '--port', '0'], env });
  const { listening } = await child.messageWhere((message) => 'listening' in message);
  return { ...child, url: String(listening) };
}

interface Sent {
  readonly request: FuzzRequest;
  readonly exchange: Exchange;
}

const faults: string[] = [];
const figures = new Map<string, number>();
/** Requests that took long, which may be the machine's doing. */
const slow: FuzzRequest[] = [];
let slowest = 0;

function draw(index: number): FuzzRequest {
  const source: Draw = drawFor(seed, index);
  const { host } = new URL(service.url);
  const kind = source.below(100);
  if (kind < 55) return schemaRequest(source, world);
  if (kind < 73) return bodyRequest(source, world);
  if (kind < 85) return rawRequest(source, world, host);
  return urlRequest(source, world, host);
}

const bytesOf = (request: FuzzRequest): Buffer => toBytes(request, new URL(service.url).host);

const send = (request: FuzzRequest): Promise<Exchange> =>
  request.raw ? client.sendBroken(request.raw) : client.send(bytesOf(request), request.method);

async function perform(index: number): Promise<Sent> {
  const request = draw(index);
  const exchange = await send(request);
  const found = findFaults(request, exchange);
  if (found.length > 0) faults.push(describeFault(index, request, bytesOf(request), found));
  slowest = Math.max(slowest, exchange.milliseconds);
  if (exchange.milliseconds > slowMs) slow.push(request);
  learnFrom(world, index, request, exchange);
  const classes = exchange.replies.map(({ status }) => `${Math.floor(status / 100)}xx`);
  for (const each of classes.length > 0 ? classes : ['none']) {
    const name = `${request.kind} ${each}`;
    figures.set(name, (figures.get(name) ?? 0) + 1);
  }
  return { request, exchange };
}

const isRefused = ({ exchange: { replies } }: Sent): boolean =>
  replies.length > 0 && replies.every(({ status }) => status >= 400);

/** What others have begun may end in between, so a write is one when it is there again. */
async function performAlone(index: number): Promise<void> {
  const before = await writesOf(db);
  const sent = await perform(index);
  if (!isRefused(sent) || (await writesOf(db)) === before) return;
  let settled = await writesOf(db);
  for (let last = ''; last !== settled;) {
    last = settled;
    await new Promise((resolve) => setTimeout(resolve, 300));
    settled = await writesOf(db);
  }
  const exchange = await send(sent.request);
  if (!isRefused({ ...sent, exchange }) || (await writesOf(db)) === settled) return;
  faults.push(describeFault(index, sent.request, bytesOf(sent.request), ['refused, and written']));
}

/** Resident memory of the service, in MB. */
async function memory(): Promise<number> {
  const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(service.pid)]);
  return Number(stdout) / 1024;
}

async function performAll(): Promise<number[]> {
  const sizes: number[] = [];
  for (let next = 0; next < count && faults.length < 20;) {
    const end = Math.min(next + stretch - alone, count);
    const workers = Array.from({ length: atOnce }, async () => {
      while (next < end) await perform(next++);
    });
    await Promise.all(workers);
    for (let left = alone; left > 0 && next < count; left -= 1) await performAlone(next++);
    sizes.push(await memory());
  }
  return sizes;
}

const middle = (values: readonly number[]): number =>
  values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;

/** How much it has grown since it was warm, in MB. */
function growthOf(sizes: readonly number[]): number {
  const window = Math.max(1, Math.floor(sizes.length / 10));
  return middle(sizes.slice(-window)) - middle(sizes.slice(window, 2 * window));
}

/** What was slow once is so again where it is not the machine's doing. */
async function expectNoHang(): Promise<void> {
  for (const request of slow) {
    const { milliseconds } = await send(request);
    if (milliseconds > slowMs) {
      faults.push(describeFault(-1, request, bytesOf(request), [`takes ${milliseconds} ms`]));
    }
  }
}

describe(`the service under ${count} requests that nobody should make (FUZZ_SEED=${seed})`, () => {
  it(
    'answers each with a success or a problem, and goes on',
    async () => {
      const started = performance.now();
      const sizes = await performAll();
      const seconds = (performance.now() - started) / 1_000;
      await expectNoHang();
      const growth = growthOf(sizes);
      const told = {
        ...{ seed, count, seconds: Math.round(seconds), slowest: Math.round(slowest) },
        ...{
          slow: slow.length,
          growthMb: Math.round(growth),
          sizeMb: Math.round(sizes.at(-1) ?? 0),
        },
        figures: Object.fromEntries([...figures].sort()),
      };
      console.log(JSON.stringify(told));
      expect(faults).toEqual([]);
      expect(service.process.exitCode).toBeNull();
      expect(service.stderr()).toBe('');
      if (isLong) expect(growth).toBeLessThan(60);
    },
    isLong ? 1_800_000 : 120_000,
  );

  it('leaves a database that keeps all promises, and nothing in it that nobody meant', async () => {
    expect(await service.kill('SIGTERM')).toEqual({ code: 0, signal: null });
    const manager = await JobManager.open({
      ...{ mongodb: settings.uri, database: settings.database, secrets: settings.secrets },
      ...{ home: settings.home, logLevel: 'silent' },
    });
    try {
      expect(await manager.verify()).toMatchObject({ problems: [] });
      expect(await findStrangers(db)).toEqual([]);
    } finally {
      await manager.close();
    }
  });
});
