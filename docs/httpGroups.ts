import { adminRoutes } from '../src/http/routes/admin.ts';
import { attemptRoutes } from '../src/http/routes/attempts.ts';
import { bulkRoutes } from '../src/http/routes/bulk.ts';
import { callbackRoutes } from '../src/http/routes/callbacks.ts';
import { datasetRoutes } from '../src/http/routes/datasets.ts';
import { eventRoutes } from '../src/http/routes/events.ts';
import { routes as allRoutes } from '../src/http/routes/index.ts';
import { jobRoutes } from '../src/http/routes/jobs.ts';
import { machineRoutes } from '../src/http/routes/machines.ts';
import { manyJobsRoutes } from '../src/http/routes/manyJobs.ts';
import { operationRoutes } from '../src/http/routes/operations.ts';
import { registryRoutes } from '../src/http/routes/registries.ts';
import { relationRoutes } from '../src/http/routes/relations.ts';
import { streamRoutes } from '../src/http/routes/stream.ts';
import { workerRoutes } from '../src/http/routes/workers.ts';
import type { Route } from '../src/http/route.ts';

/** Routes that belong together, with what is to be said of all of them and one example. */
export interface Group {
  readonly title: string;
  readonly text: string;
  readonly routes: readonly Route[];
  readonly example: string;
}

export const intro = `<!-- Made from the route table and the schemas in src/http; see docs/httpReference.ts. -->

# HTTP

The service speaks JSON over HTTP, under \`/v1\`. \`GET /openapi.json\` is this page for programs, as OpenAPI 3.1, and \`jobwright/client\` is a typed client for Node and browsers.

The examples on this page need curl 7.82 or newer, for its \`--json\`. \`JOBWRIGHT_URL\` is where the service is, \`TOKEN\` an operator's token, \`ADMIN\` an admin's, \`JOB\` the id of a job. Who has the secrets makes tokens on the command line:

\`\`\`sh
export JOBWRIGHT_URL=http://127.0.0.1:8787
export TOKEN=$(jobwright token operator) ADMIN=$(jobwright token admin)
\`\`\`

## What holds for every request

- **Token.** \`Authorization: Bearer <token>\`, once. Callbacks take theirs in other places too. [Tokens](tokens.md) tells who may do what.
- **Host.** The service answers under loopback names, the address that it listens on, and the host of \`JOBWRIGHT_PUBLIC_URL\`. Any other is 421.
- **Body.** One JSON object in UTF-8, with \`Content-Type: application/json\`. No body at all is read as \`{}\`. A key that is there twice, a wrong encoding and a field that is not known are refused.
- **Query.** A parameter that is not known, or is there twice, is refused; callbacks leave unknown ones alone.
- **\`Idempotency-Key\`.** 1 to 200 characters. The same request under the same key is applied once and answered alike, to the actor that sent it first. Another request under it is 422.
- **\`If-Match\`.** The version of the job in quotes, as \`ETag\` gives it. If the job has moved on, the answer is 412 and nothing is written. \`*\` asks for nothing.
- **\`X-Request-Id\`.** Every answer has one: the caller's, if it is 1 to 64 of \`A–Z a–z 0–9 . _ -\`, else a new one. The log has it as \`reqId\`.
- **\`HEAD\`** is possible wherever \`GET\` is.

Answers that show a job at a version have it as \`ETag\`; a new job's \`Location\` is its path. A page that is not the last has \`next\`, and the address of the next page as \`Link: <…>; rel="next"\`. All answers have \`Cache-Control: no-store\`, \`X-Content-Type-Options: nosniff\` and \`Referrer-Policy: no-referrer\`.

What any request may be refused with is not repeated at each route: 400 for what is not well formed, 401 and 403 for the token and its rights, 413 and 415 for the body, 421 for the host, 500 for a mistake of the service, 503 for "come again after \`Retry-After\`". The [error codes](#error-codes) stand together below.`;

const curl = (command: string): string => `\`\`\`sh\n${command}\n\`\`\``;
const bearer = '-H "Authorization: Bearer $TOKEN"';

/** All routes, in the order of the page. */
export const groups: readonly Group[] = [
  {
    title: 'Jobs',
    text: 'A set-up with the same machine, pipeline, parents and data is the same job: it is created once and attached to afterwards. The answer has a token of the job and the URL for its callbacks.',
    routes: jobRoutes,
    example: curl(`curl -sS --fail-with-body "$JOBWRIGHT_URL/v1/jobs" ${bearer} \\
  --json '{"pipeline": "tacobot", "data": {"sample": "S1"}, "tags": ["tuesday"]}'`),
  },
  {
    title: 'Many jobs',
    text: 'Up to 1,000 jobs are read at once, and up to 500 are set up. What is wrong with one set-up is told in its outcome, with the \`index\` of its place in the call, and keeps no other; a refusal of the call as a whole stores nothing. The answer has no tokens: \`POST /v1/jobs/{id}/tokens\` issues one.',
    routes: manyJobsRoutes,
    example: curl(`curl -sS --fail-with-body "$JOBWRIGHT_URL/v1/jobs/get" ${bearer} \\
  --json '{"ids": ["'$JOB'"], "missingOk": true}'`),
  },
  {
    title: 'Attempts',
    text: 'What workers tried, and what it left. \`{attempt}\` is the number of an attempt, or \`latest\`. A result is answered as the JSON that it is, what a program wrote as plain text in UTF-8.',
    routes: attemptRoutes,
    example: curl(`curl -sS --fail-with-body "$JOBWRIGHT_URL/v1/jobs/$JOB/attempts" ${bearer}`),
  },
  {
    title: 'Parents and children',
    text: 'Jobs that name a job among their \`parents\` are its children. These lists may lag as the list of jobs does.',
    routes: relationRoutes,
    example: curl(`curl -sS --fail-with-body "$JOBWRIGHT_URL/v1/jobs/$JOB/children" ${bearer}`),
  },
  {
    title: 'Workers',
    text: `[Workers](workers.md) claim records and report on them; \`jobwright worker run\` and \`createWorker\` speak these routes for you. A worker belongs to the subject of the token that activated it. A call of a worker that is lost or deactivated is 409 \`WORKER_INACTIVE\` as a whole. Each of up to 200 reports or results is taken or rejected by itself, and told with its \`index\`.`,
    routes: workerRoutes,
    example: curl(`curl -sS --fail-with-body "$JOBWRIGHT_URL/v1/workers" ${bearer} \\
  --json '{"name": "node17", "programs": {"square": "1.0"}, "tags": ["small", "*"]}'
curl -sS --fail-with-body "$JOBWRIGHT_URL/v1/workers/node17/claim" ${bearer} --json '{"limit": 10}'`),
  },
  {
    title: 'Bulk operations',
    text: '[One operation on many jobs](bulk.md), with an outcome for each. The body may have 64 MiB. The answer is 202 where the run has not ended within \`wait\` seconds; it goes on all the same.',
    routes: bulkRoutes,
    example: curl(`curl -sS --fail-with-body "$JOBWRIGHT_URL/v1/bulk" ${bearer} \\
  --json '{"op": "update", "ids": ["'$JOB'"], "data": {"note": "checked"}, "dryRun": true}'`),
  },
  {
    title: 'Datasets',
    text: '[Tables of entries × specifications](records.md#datasets), whose cells are records.',
    routes: datasetRoutes,
    example: curl(`curl -sS --fail-with-body -X PUT "$JOBWRIGHT_URL/v1/datasets/waters" ${bearer} \\
  --json '{"specifications": {"hf": {"programs": ["psi4"], "input": {"method": "hf"}}}}'
curl -sS --fail-with-body "$JOBWRIGHT_URL/v1/datasets/waters/entries" ${bearer} \\
  --json '{"entries": [{"name": "water", "data": {"input": {"molecule": "water"}}}]}'`),
  },
  {
    title: 'Events',
    text: 'An event is \`{"name", "data"}\`; a chain is \`{"events": […]}\`. A chain is accepted whole or refused whole, and then nothing is written. What state allows which event stands in the job as \`allowedEvents\`.',
    routes: eventRoutes,
    example: curl(`curl -sS --fail-with-body "$JOBWRIGHT_URL/v1/jobs/$JOB/events" ${bearer} \\
  -H 'Idempotency-Key: start-of-S1' \\
  --json '{"events": [{"name": "run"}, {"name": "update", "data": {"percent": 50}}]}'`),
  },
  {
    title: 'Callbacks',
    text: `An outside system reports to the \`callbackUrl\` of a job. The event is \`name\` or \`event\` of the body, else of the query; without either it follows from \`status\`, see [external statuses](#external-statuses). A \`name\` that is no event stands aside where there is a \`status\`. The rest of the body is the event's data, without \`_links\`, \`retries\`, \`localId\`, \`token\`, \`uuid\`, \`name\` and \`event\`. JSON that is sent as a form, as plain \`curl -d\` does, is read as JSON.

What comes late or twice is no mistake: a known event that the state does not have, a status that the machine has no event for, and a status for \`run\`, \`finish\` or \`fail\` that is the very report of the newest entry are answered 200 with \`"applied": false\`, a \`code\` and the state, and nothing is written. Events for admins are 403 here.`,
    routes: callbackRoutes,
    example: curl(
      `curl -sS --fail-with-body "$CALLBACK_URL" --json '{"status": "RUNNING", "node": "n17"}'`,
    ),
  },
  {
    title: 'Administration',
    text: 'A reset and a delete need a \`reason\`: it stays, in the history or in the tombstone. Refused attempts and issued tokens are written down, see \`GET /v1/audit\`.',
    routes: adminRoutes,
    example: curl(`curl -sS --fail-with-body "$JOBWRIGHT_URL/v1/jobs/$JOB/reset" \\
  -H "Authorization: Bearer $ADMIN" --json '{"reason": "wrong reference"}'`),
  },
  {
    title: 'Pipelines and documents',
    text: 'A pipeline is registered before its first job. [Linked documents](linkedDocuments.md) lie in the collections of \`JOBWRIGHT_LINKED_COLLECTIONS\`.',
    routes: registryRoutes,
    example:
      curl(`curl -sS --fail-with-body -X PUT "$JOBWRIGHT_URL/v1/pipelines/tacobot" ${bearer} \\
  --json '{"name": "Tacobot", "description": "Counts tacos"}'`),
  },
  {
    title: 'Machines',
    text: '\`{name}\` is the newest version of a machine, \`{name}@{version}\` that version.',
    routes: machineRoutes,
    example: curl(`curl -sS --fail-with-body "$JOBWRIGHT_URL/v1/machines/pipelineJob" ${bearer}`),
  },
  {
    title: 'The live stream',
    text: 'Server-sent events, see [stream messages](#stream-messages). The filters are those of the list. A stream ends with its token.',
    routes: streamRoutes,
    example: curl(`curl -sSN "$JOBWRIGHT_URL/v1/stream?pipeline=tacobot" ${bearer}`),
  },
  {
    title: 'Operations',
    text: 'What anyone on the same machine may ask takes no token from a loopback address, unless the request came through a proxy, which its headers tell.',
    routes: operationRoutes,
    example: curl('curl -sS "$JOBWRIGHT_URL/health/ready"'),
  },
];

const grouped = groups.flatMap(({ routes }) => routes);
const left = allRoutes.find((route) => !grouped.includes(route));
if (left) throw new Error(`${left.method} ${left.path} belongs to no group of docs/httpApi.md`);

export const streamMessages = `## Stream messages

The first message is the place from which the stream begins, without data. Then each entry is a message, as it is accepted, by whichever process; each job's in order. Its \`data\` is an [Entry](#entry) with \`jobId\` and \`type\`, the machine's name.

\`\`\`text
retry: 1000
id: gmkW…4A.0

id: gmkX…04.0
event: entry
data: {"id":"…","seq":2,"name":"run","data":{"node":"n17"},"from":"CREATED","to":"RUNNING","at":"2026-11-21T12:00:00.000Z","actor":{"kind":"job","id":"fa12…"},"hash":"…","jobId":"fa12…","type":"pipelineJob"}

: heartbeat
\`\`\`

- \`id\` is a position. Who comes again with it, as \`Last-Event-ID\` or \`?lastEventId=\`, to this or another process, goes on after it. The header goes before the parameter.
- \`event: gap\` says that entries before this place could not be given, since the database does not have them at hand any more. Read the jobs anew.
- \`: heartbeat\` comes every 15 seconds. A client that leaves four of them unread, or lets more than 1,000 entries wait, is cut off.`;
