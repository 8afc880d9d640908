import { randomUUID } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readServerSentEvents } from '../../src/client/serverSentEvents.ts';
import { testDatabase } from '../support/database.ts';
import { ask, createServiceClient, type Answer, type Asking } from '../support/serviceClient.ts';
import { expectVerified } from '../support/serviceLoad.ts';
import {
  freePort,
  serviceSettings,
  serviceTokens,
  startServiceProcess,
  type ServiceProcess,
  type ServiceSettings,
  type ServiceTokens,
} from '../support/serviceProcess.ts';

const opening = serviceSettings(testDatabase());
let settings: ServiceSettings;
let tokens: ServiceTokens;
let one: ServiceProcess;
let other: ServiceProcess;

beforeAll(async () => {
  settings = await opening;
  tokens = serviceTokens(settings);
  const start = async () => startServiceProcess(settings, await freePort());
  [one, other] = await Promise.all([start(), start()]);
  await answered(one, 'PUT', '/v1/pipelines/weather', {
    token: tokens.operator,
    body: { name: 'weather' },
  });
});
afterAll(async () => {
  const ends = await Promise.all([one, other].map((service) => service.kill('SIGTERM')));
  expect(ends.map(({ code }) => code)).toEqual([0, 0]);
  await expectVerified(settings);
});

async function answered(
  { url }: ServiceProcess,
  method: string,
  path: string,
  asking: Asking,
): Promise<Answer> {
  const answer = await ask(url, method, path, asking);
  expect({ path, ...answer }).toMatchObject({ status: path === '/v1/jobs' ? 201 : 200 });
  return answer;
}

async function makeJob(at: ServiceProcess): Promise<{ id: string; token: string }> {
  const body = { pipeline: 'weather', data: { run: randomUUID() } };
  const made = await answered(at, 'POST', '/v1/jobs', { token: tokens.operator, body });
  const { job, token } = made.body as { job: { id: string }; token: string };
  return { id: job.id, token };
}

interface Sent {
  readonly job: { readonly state: string; readonly version: number };
  readonly entries: readonly SentEntry[];
}
interface SentEntry {
  readonly id: string;
  readonly seq: number;
  readonly name: string;
  readonly key?: string;
}

const send = async (at: ServiceProcess, id: string, name: string, key?: string): Promise<Sent> => {
  const { body } = await answered(at, 'POST', `/v1/jobs/${id}/events`, {
    token: tokens.operator,
    body: { name, data: { note: key ?? name } },
    ...(key !== undefined && { key }),
  });
  return body as unknown as Sent;
};

const read = async (at: ServiceProcess, id: string, token = tokens.reader) =>
  answered(at, 'GET', `/v1/jobs/${id}`, { token });

async function historyOf(at: ServiceProcess, id: string, after = 0): Promise<readonly SentEntry[]> {
  const path = `/v1/jobs/${id}/history?limit=500&after=${after}`;
  const { body } = await answered(at, 'GET', path, { token: tokens.reader });
  return body['entries'] as SentEntry[];
}

const times = <Item>(count: number, make: (index: number) => Item): Item[] =>
  Array.from({ length: count }, (_each, index) => make(index));

describe('what one service acknowledges', () => {
  it('is shown by the other at once, 200 times', async () => {
    const { id } = await makeJob(one);
    await send(one, id, 'run');
    for (let round = 0; round < 200; round += 1) {
      const [writer, reader] = round % 2 === 0 ? [one, other] : [other, one];
      const { job, entries } = await send(writer, id, 'update');
      const [shown, history] = await Promise.all([
        read(reader, id),
        historyOf(reader, id, job.version - 1),
      ]);
      expect(shown.body).toEqual(job);
      expect(shown.headers.get('etag')).toBe(`"${round + 3}"`);
      expect(history).toEqual(entries);
    }
  });

  it('is in one line with what the other acknowledges, without a gap and nothing doubled', async () => {
    const { id } = await makeJob(one);
    const rivals = [one, one, one, one, other, other, other, other];
    const answers = await Promise.all(
      rivals.map(async (service, rival) => {
        const own: Sent[] = [];
        for (let n = 0; n < 25; n += 1)
          own.push(await send(service, id, 'update', `${rival}-${n}`));
        return own;
      }),
    );
    const told = answers.flat().flatMap(({ entries }) => entries);
    const history = await historyOf(one, id);
    expect(history.map(({ seq }) => seq)).toEqual(times(201, (index) => index + 1));
    expect(history.slice(1)).toEqual([...told].sort((first, next) => first.seq - next.seq));
    expect(await historyOf(other, id)).toEqual(history);
    for (const [rival, own] of answers.entries()) {
      const keys = history.filter(({ key }) => key?.startsWith(`${rival}-`)).map(({ key }) => key);
      expect(keys).toEqual(own.map(({ entries }) => entries[0]?.key));
    }
  });

  it('under one key is applied once, whichever is asked', async () => {
    const { id } = await makeJob(one);
    const answers = await Promise.all(
      times(40, (index) => send(index % 2 ? one : other, id, 'update', 'once')),
    );
    expect(new Set(answers.map((answer) => JSON.stringify(answer))).size).toBe(1);
    expect((await historyOf(one, id)).map(({ name }) => name)).toEqual(['create', 'update']);
  });

  it('ends tokens at the other at once', async () => {
    for (let round = 0; round < 20; round += 1) {
      const [revoker, doorkeeper] = round % 2 === 0 ? [one, other] : [other, one];
      const { id, token } = await makeJob(revoker);
      // It has seen the token, and knows the job as it was.
      await read(doorkeeper, id, token);
      const path = `/v1/jobs/${id}/tokens?reason=lost`;
      await answered(revoker, 'DELETE', path, { token: tokens.operator });
      const asking = { token, body: { name: 'run' } };
      const refusals = await Promise.all([
        ask(doorkeeper.url, 'POST', `/v1/jobs/${id}/events`, asking),
        ask(doorkeeper.url, 'POST', `/v1/callbacks/${id}`, asking),
        ask(doorkeeper.url, 'GET', `/v1/jobs/${id}`, { token }),
      ]);
      expect(refusals.map(({ status }) => status)).toEqual([401, 401, 401]);
      expect((await historyOf(doorkeeper, id)).map(({ name }) => name)).not.toContain('run');
    }
  });

  it('is what the other goes on from where it is a reset', async () => {
    for (let round = 0; round < 10; round += 1) {
      const [resetter, worker] = round % 2 === 0 ? [one, other] : [other, one];
      const { id, token } = await makeJob(worker);
      await send(worker, id, 'run');
      await send(worker, id, 'finish');
      const asking = { token: tokens.admin, body: { reason: 'again' } };
      const reset = await answered(resetter, 'POST', `/v1/jobs/${id}/reset`, asking);
      expect(reset.body['job']).toMatchObject({ state: 'CREATED', version: 5 });
      expect((await read(worker, id)).body).toEqual(reset.body['job']);
      expect((await ask(worker.url, 'GET', `/v1/jobs/${id}`, { token })).status).toBe(401);
      expect((await send(worker, id, 'run')).job).toMatchObject({ state: 'RUNNING', version: 6 });
    }
  });
});

interface Told {
  readonly position: string;
  readonly jobId: string;
  readonly seq: number;
  readonly id: string;
}

/** Reads a stream until it has heard enough, or the connection breaks. */
async function follow(
  { url }: ServiceProcess,
  after: string | undefined,
  hear: (told: Told) => 'more' | 'enough',
  onOpen: () => void = () => undefined,
): Promise<'enough' | 'broken'> {
  const response = await fetch(`${url}/v1/stream`, {
    headers: {
      authorization: `Bearer ${tokens.reader}`,
      ...(after !== undefined && { 'last-event-id': after }),
    },
  });
  expect(response.status).toBe(200);
  onOpen();
  try {
    for await (const { event, data, id } of readServerSentEvents(
      response.body as ReadableStream<Uint8Array>,
    )) {
      expect(event).toBe('entry');
      const entry = JSON.parse(data) as Omit<Told, 'position'>;
      if (hear({ position: id, jobId: entry.jobId, seq: entry.seq, id: entry.id }) === 'enough')
        return 'enough';
    }
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
  }
  return 'broken';
}

describe('the stream of a service that is killed', () => {
  it('goes on at the other, with every entry of both once and each job’s in order', async () => {
    const doomed = await startServiceProcess(settings, await freePort());
    const jobs = await Promise.all(times(8, () => makeJob(other)));
    const ids = new Set(jobs.map(({ id }) => id));
    const chains = 20;
    const wanted = jobs.length * chains * 3;
    const heard: Told[] = [];
    const hear = (told: Told): 'more' | 'enough' => {
      if (ids.has(told.jobId)) heard.push(told);
      // In the middle of what it has to tell.
      if (heard.length === wanted / 2) doomed.process.kill('SIGKILL');
      return heard.length < wanted ? 'more' : 'enough';
    };
    let begin: () => void = () => undefined;
    const isOpen = new Promise<void>((resolve) => (begin = resolve));
    const broken = follow(doomed, undefined, hear, begin);
    await isOpen;
    // Half of the writers write through the one that is killed until it is, and then elsewhere.
    const writing = jobs.map(async ({ id }, index) => {
      const client = createServiceClient(index % 2 ? doomed.url : other.url, tokens);
      void doomed.ended.then(() => (client.url = other.url));
      for (let n = 0; n < chains; n += 1) {
        const events = times(3, (place) => ({ name: 'update', data: { n, place } }));
        const { outcome } = await client.perform({ do: 'send', job: id, key: `n-${n}`, events });
        expect(outcome).toMatchObject({ ok: true });
      }
    });
    expect(await broken).toBe('broken');
    const atBreak = heard.length;
    expect(await follow(other, heard.at(-1)?.position, hear)).toBe('enough');
    await Promise.all(writing);

    for (const { id } of jobs) {
      const history = (await historyOf(one, id)).slice(1);
      expect(history).toHaveLength(chains * 3);
      const told = heard.filter(({ jobId }) => jobId === id);
      expect(told.map(({ seq }) => seq)).toEqual(history.map(({ seq }) => seq));
      expect(told.map((each) => each.id)).toEqual(history.map((each) => each.id));
    }
    console.info(
      `stream: ${wanted} entries of two services, ${atBreak} heard before the kill; ` +
        'missed 0, doubled 0, each job in order',
    );
  });
});
