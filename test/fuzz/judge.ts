import type { FuzzRequest } from './requests.ts';
import { learn, type FuzzWorld } from './fuzzWorld.ts';
import type { Exchange, Reply } from './wireClient.ts';

/** Anything that looks like a signed token. */
const signedToken = /eyJ[\w-]+\.[\w-]+\.[\w-]+/;
const issuing = /^\/v1\/(?:jobs|jobs\/[^/]+\/tokens)(?:\?|$)/;

/** What is wrong with the answers to a request. */
export function findFaults(request: FuzzRequest, exchange: Exchange): string[] {
  const { replies, rest, broken } = exchange;
  const faults = replies.flatMap((reply) => replyFaults(request, reply));
  if (broken !== undefined) faults.push(broken);
  if (!request.raw && replies.length === 0) faults.push('there is no answer');
  // What cannot be read may have been a HEAD or not; it is told why, and nothing follows.
  const isCutOff = request.method === 'HEAD' && replies[0]?.headers.get('connection') === 'close';
  if (rest.length > 0 && !isCutOff)
    faults.push(`it says more: ${rest.toString('latin1').slice(0, 200)}`);
  return faults;
}

function replyFaults(request: FuzzRequest, { status, headers, body }: Reply): string[] {
  const faults: string[] = [];
  const text = body.toString();
  const expect = (holds: boolean, fault: string): void => {
    if (!holds) faults.push(`${fault} (${status} ${text.slice(0, 300)})`);
  };
  expect(status >= 200 && status < 500, 'the status is not one to expect');
  expect(/^[\w.-]{1,64}$/.test(headers.get('x-request-id') ?? ''), 'no request id');
  expect(headers.get('cache-control') === 'no-store', 'it may be kept');
  const isIssuing = status < 300 && (request.raw !== undefined || issuing.test(request.target));
  if (!isIssuing) {
    expect(!signedToken.test(text), 'a token is in the body');
    expect(!signedToken.test([...headers.values()].join('\n')), 'a token is in a header');
  }
  const type = headers.get('content-type') ?? '';
  if (request.method === 'HEAD') {
    expect(status < 400 || type === 'application/problem+json', 'no problem');
    expect(body.length === 0, 'an answer to HEAD with a body');
  } else if (status >= 400) {
    const problem = parse(text);
    expect(type === 'application/problem+json', `a refusal as ${type}`);
    expect(problem?.['status'] === status, 'the problem has another status');
    expect(/^[A-Z][A-Z_]+$/.test(String(problem?.['code'])), 'the problem has no code');
    expect(text.length < 16_384, 'the problem is long');
  } else if (type === 'application/json') {
    expect(parse(text) !== undefined, 'no JSON');
  }
  return faults;
}

/** Lets later requests name what an answer gives. */
export function learnFrom(
  world: FuzzWorld,
  index: number,
  { method, target, raw }: FuzzRequest,
  { replies: [reply] }: Exchange,
): void {
  if (!reply || reply.status >= 300 || raw || !['GET', 'POST'].includes(method)) return;
  const body = target.startsWith('/v1/jobs') && parse(reply.body.toString());
  if (body) learn(world, index, target.split('?')[0] ?? '', body);
}

function parse(text: string): Readonly<Record<string, unknown>> | undefined {
  try {
    return JSON.parse(text) as Readonly<Record<string, unknown>>;
  } catch {
    return undefined;
  }
}

/** The request as it can be sent again, and what came of it. */
export function describeFault(
  index: number,
  { kind, raw }: FuzzRequest,
  bytes: Buffer,
  faults: readonly string[],
): string {
  const sent = raw ? Buffer.concat(raw) : bytes;
  const shown = JSON.stringify(sent.subarray(0, 1_500).toString('latin1'));
  return `request ${index} (${kind}, ${sent.length} bytes): ${faults.join('; ')}\n  ${shown}`;
}
