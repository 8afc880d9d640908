import { describe, expect, it } from 'vitest';
import { Telemetry } from '../../src/telemetry/emit.ts';
import { attachLog } from '../../src/telemetry/log.ts';
import { emitAll, sampleEvents } from './events.ts';

type Line = Readonly<Record<string, unknown>>;

function attach(level = 'trace') {
  const telemetry = new Telemetry();
  const written: string[] = [];
  const log = attachLog(telemetry, level, { write: (line) => void written.push(line) });
  const lines = (): Line[] => written.map((line) => JSON.parse(line) as Line);
  return { telemetry, log, written, lines };
}

const levels = { debug: 20, info: 30, warn: 40, error: 50 };
const token = 'eyJhbGciOiJIUzI1NiIsImtpZCI6ImsxIn0.eyJzdWIiOiJqb2ItMSJ9.c2lnbmF0dXJl-_x';

describe('the log', () => {
  it('tells of a request with the names that all lines share', () => {
    const { telemetry, lines } = attach('info');
    telemetry.emit('http.request', sampleEvents['http.request']);
    const [line] = lines();
    expect(line).toEqual({
      level: levels.info,
      time: line?.['time'],
      msg: 'a request was answered',
      reqId: 'request-1',
      method: 'POST',
      route: '/v1/jobs/{id}/events',
      status: 200,
      milliseconds: 12,
      principal: 'operator:ada',
      jobId: 'job-1',
    });
  });

  it.each([
    { status: 200, level: levels.info },
    { status: 404, level: levels.info },
    { status: 499, level: levels.info },
    { status: 500, level: levels.error },
    { status: 503, level: levels.warn },
  ])('gives an answer of status $status the level $level', ({ status, level }) => {
    const { telemetry, lines } = attach('info');
    const { jobId: _none, ...request } = sampleEvents['http.request'];
    telemetry.emit('http.request', { ...request, actor: null, status });
    expect(lines()).toEqual([expect.objectContaining({ level, status })]);
    expect(lines()[0]).not.toHaveProperty('principal');
    expect(lines()[0]).not.toHaveProperty('jobId');
  });

  it('tells of a failure under the id that the sender was given', () => {
    const { telemetry, lines } = attach('info');
    const { requestId: reqId, error } = sampleEvents['http.failed'];
    telemetry.emit('http.failed', sampleEvents['http.failed']);
    expect(lines()).toEqual([expect.objectContaining({ level: levels.error, reqId, error })]);
  });

  it('warns of administrative attempts that were refused', () => {
    const { telemetry, lines } = attach('info');
    telemetry.emit('admin.refused', sampleEvents['admin.refused']);
    expect(lines()).toEqual([
      expect.objectContaining({ level: levels.warn, ...sampleEvents['admin.refused'] }),
    ]);
  });

  it('tells when the service starts and stops', () => {
    const { telemetry, lines } = attach('info');
    telemetry.emit('service.started', { listening: 'http://127.0.0.1:8787' });
    telemetry.emit('service.stopping', { reason: 'SIGTERM' });
    expect(lines()).toEqual([
      expect.objectContaining({ level: levels.info, listening: 'http://127.0.0.1:8787' }),
      expect.objectContaining({ level: levels.info, reason: 'SIGTERM' }),
    ]);
  });

  it('tells of single jobs only where somebody debugs, and else costs them nothing', () => {
    const usual = attach('info');
    expect(usual.telemetry.isHeard('job.committed')).toBe(false);
    expect(usual.telemetry.isHeard('job.refused')).toBe(false);
    const { telemetry, lines } = attach('debug');
    telemetry.emit('job.committed', sampleEvents['job.committed']);
    telemetry.emit('job.refused', sampleEvents['job.refused']);
    expect(lines()).toEqual([
      expect.objectContaining({ level: levels.debug, ...sampleEvents['job.committed'] }),
      expect.objectContaining({ level: levels.debug, ...sampleEvents['job.refused'] }),
    ]);
  });
});

describe('a token', () => {
  const places: readonly (readonly [string, string])[] = [
    ['a callback URL', `POST /v1/callbacks/job-1?token=${token}&x=1 was cut`],
    ['an opaque one in a query', '/v1/callbacks?uuid=job-1&token=opaque-credential'],
    ['an encoded query', 'https://else.example/?back=%2Fx%3Ftoken%3Dopaque-credential%26y'],
    ['a header', `Authorization: Bearer ${token}`],
    ['an opaque bearer', 'authorization: bearer opaque-credential'],
    ['the bare text', `cannot read ${token}`],
    ['a body', `{"token":"opaque-credential","uuid":"job-1"}`],
    ['a body with quotes', `{"token": "a\\"opaque-credential", "uuid": "job-1"}`],
    ['a body in a body', JSON.stringify({ body: `{"token":"opaque-credential"}` })],
  ];

  it.each(places)('never shows in any line at level trace: %s', (_place, text) => {
    const { telemetry, written } = attach('trace');
    emitAll(telemetry, {
      ...sampleEvents,
      'commit.unknown': { jobId: text, error: text },
      'projection.failed': { jobs: 1, error: text },
      'effect.failed': { ...sampleEvents['effect.failed'], error: text },
      'effect.parked': { ...sampleEvents['effect.parked'], error: text },
      'duty.failed': { duty: text, error: text },
      'job.refused': { ...sampleEvents['job.refused'], event: text },
      'http.request': { ...sampleEvents['http.request'], requestId: text, route: text },
      'http.failed': { requestId: text, error: text },
      'admin.refused': { action: text, code: text },
    });
    expect(written.join('')).not.toContain(token);
    expect(written.join('')).not.toContain('opaque-credential');
    expect(written.length).toBeGreaterThan(10);
  });

  it.each([
    ['token', { token: 'opaque-credential' }],
    ['secret', { secret: { k1: 'opaque-credential' } }],
    ['authorization', { headers: { authorization: ['opaque-credential'] } }],
    ['cookie', { request: { headers: { cookie: 'a=opaque-credential' } } }],
    ['a field far down', { a: { b: { c: { d: [{ Token: 'opaque-"credential' }] } } } }],
    ['set-cookie', { a: { b: { c: { 'Set-Cookie': 'opaque-credential' } } } }],
  ])('never shows in a field of a telling name: %s', (_name, fields) => {
    const { log, written, lines } = attach('trace');
    log.trace(fields, 'said');
    expect(written.join('')).not.toMatch(/opaque|credential/);
    expect(lines()).toEqual([expect.objectContaining({ msg: 'said' })]);
  });

  it('never shows in an error or a message', () => {
    const { log, written, lines } = attach('trace');
    log.error({ err: new Error(`GET /?token=opaque-credential with ${token}`) }, token);
    expect(written.join('')).not.toContain('opaque-credential');
    expect(written.join('')).not.toContain(token);
    expect(lines()).toEqual([expect.objectContaining({ msg: '[Redacted]' })]);
  });

  it('does not show where a request brings more than it should', () => {
    const { telemetry, written } = attach('trace');
    const request = { ...sampleEvents['http.request'], url: '/v1/callbacks/job-1?uuid=private' };
    telemetry.emit('http.request', request);
    expect(written.join('')).not.toContain('private');
  });
});
