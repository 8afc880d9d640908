import { createHmac, randomBytes } from 'node:crypto';
import { parseSecrets } from '../../src/auth/secrets.ts';
import { createTokens, type TokenClaim } from '../../src/auth/tokens.ts';
import { ask } from '../support/serviceClient.ts';
import type { Draw } from './draw.ts';

export interface KnownJob {
  readonly id: string;
  readonly token: string;
}

/** What the requests of a run know: who may come, and what there is. It learns from answers. */
export interface FuzzWorld {
  readonly admin: string;
  readonly operator: string;
  readonly reader: string;
  readonly worker: string;
  /** A few, exchanged as the run goes on. */
  readonly jobs: KnownJob[];
  readonly documentIds: readonly string[];
  /** Places in lists and streams. */
  readonly cursors: string[];
  /** A token that is good for nothing, or for less than it seems. */
  forged(draw: Draw): string;
}

const places = 12;

/** Registers pipelines and documents, and makes the first jobs. */
export async function createWorld(url: string, secrets: string): Promise<FuzzWorld> {
  const tokens = createTokens({ keys: parseSecrets(secrets), now: Date.now });
  const issue = (claim: TokenClaim): string => tokens.issue(claim).token;
  const [admin, operator, reader, worker] = (
    ['admin', 'operator', 'reader', 'worker'] as const
  ).map((kind) => issue({ kind, subject: `the-${kind}`, ttl: 7_200 })) as [
    string,
    string,
    string,
    string,
  ];
  const world: FuzzWorld = {
    ...{ admin, operator, reader, worker },
    jobs: [],
    documentIds: ['f1', 'f2', 'sample one'],
    cursors: [],
    forged: forger(secrets, issue, operator),
  };
  for (const id of ['p1', 'p2']) {
    await ask(url, 'PUT', `/v1/pipelines/${id}`, { token: operator, body: { name: id } });
  }
  for (const id of world.documentIds) {
    const path = `/v1/documents/files/${encodeURIComponent(id)}`;
    await ask(url, 'PUT', path, { token: operator, body: { name: `name of ${id}` } });
  }
  while (world.jobs.length < places) {
    const body = { pipeline: 'p1', data: { run: world.jobs.length } };
    const made = await ask(url, 'POST', '/v1/jobs', { token: operator, body });
    learn(world, world.jobs.length, '/v1/jobs', made.body);
  }
  return world;
}

/** Keeps what an answer gives that later requests can name. */
export function learn(
  { jobs, cursors }: FuzzWorld,
  index: number,
  path: string,
  body: Readonly<Record<string, unknown>>,
): void {
  const { job, token, next } = body as { job?: KnownJob; token?: string; next?: unknown };
  if (path === '/v1/jobs' && job && typeof token === 'string') {
    jobs[index % places] = { id: job.id, token };
  }
  if (typeof next === 'string') cursors[index % 8] = next;
}

function forger(
  secrets: string,
  issue: (claim: TokenClaim) => string,
  operator: string,
): FuzzWorld['forged'] {
  const foreign = createTokens({
    keys: parseSecrets(`k1:${randomBytes(32).toString('base64')}`),
    now: Date.now,
  }).issue({ kind: 'admin', subject: 'mallory' }).token;
  const longAgo = createTokens({ keys: parseSecrets(secrets), now: () => 1e12 }).issue({
    kind: 'admin',
    subject: 'yesterday',
  }).token;
  const [header = '', payload = '', signature = ''] = operator.split('.');
  const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString('base64url');
  const asAdmin = Buffer.from(
    Buffer.from(payload, 'base64url').toString().replaceAll('operator', 'admin'),
  ).toString('base64url');
  const guessed = createHmac('sha256', 'secret').update(`${header}.${asAdmin}`).digest('base64url');
  const nowhere = issue({ kind: 'job', jobId: 'no-such-job', generation: 1 });
  const fixed = [
    ...[foreign, longAgo, nowhere, `${none}.${asAdmin}.`, `${header}.${asAdmin}.${signature}`],
    ...[`${header}.${asAdmin}.${guessed}`, `${header}.${payload}`, `${operator}.`, `${operator}=`],
    ...['..', 'x', 'null', 'undefined', 'A'.repeat(5_000), operator.toUpperCase()],
  ];
  return (draw) => {
    if (draw.chance(0.7)) return draw.pick(fixed);
    const place = draw.below(operator.length);
    return `${operator.slice(0, place)}${draw.pick(['A', '_', '-', '.', ''])}${operator.slice(place + 1)}`;
  };
}
