import { InvalidData, UnknownEvent } from 'jobwright';
import { describe, expect, it } from 'vitest';
import { historyOf, pipeline, useWorld } from './world.ts';

const world = useWorld();

class Point {
  readonly x = 1;
}
const cycle: Record<string, unknown> = {};
cycle['again'] = { cycle };
const nested = (levels: number): Record<string, unknown> =>
  levels === 1 ? {} : { in: nested(levels - 1) };
const keys = (count: number): Record<string, unknown> =>
  Object.fromEntries(Array.from({ length: count }, (_, number) => [`k${number}`, number]));

/** What JSON would change or a store could not hold, and where it is found. */
const unfit: readonly (readonly [what: string, data: unknown, path: string])[] = [
  ['a cycle', cycle, 'data.again.cycle'],
  ['a BigInt', { big: 1n }, 'data.big'],
  ['a function', { list: [() => 1] }, 'data.list[0]'],
  ['a symbol', { symbol: Symbol('s') }, 'data.symbol'],
  ['a symbol as key', { in: { [Symbol('s')]: 1 } }, 'data.in'],
  ['NaN', { number: NaN }, 'data.number'],
  ['Infinity', { number: [1, Infinity] }, 'data.number[1]'],
  ['-Infinity', { number: -Infinity }, 'data.number'],
  ['-0', { number: -0 }, 'data.number'],
  ['undefined inside', { in: { gone: undefined } }, 'data.in.gone'],
  ['a hole in a list', { list: Object.assign(new Array<number>(3), { 0: 1 }) }, 'data.list'],
  ['a lone surrogate in a value', { text: 'a\ud800b' }, 'data.text'],
  ['a lone surrogate in a key', { in: { '\udc00': 1 } }, 'data.in.\udc00'],
  ['NUL in a key', { 'a\0b': 1 }, 'data.a\0b'],
  ['a Date', { at: new Date(0) }, 'data.at'],
  ['a Map', { map: new Map([[1, 2]]) }, 'data.map'],
  ['a Set', { set: new Set() }, 'data.set'],
  ['bytes', { bytes: new Uint8Array(2) }, 'data.bytes'],
  ['an instance of a class', { point: new Point() }, 'data.point'],
  ['a class instance as a whole', new Point(), 'data'],
  ['a Date as a whole', new Date(0), 'data'],
  ['a Map as a whole', new Map(), 'data'],
  ['a list as a whole', [1], 'data'],
  ['a text as a whole', 'text', 'data'],
  ['a number as a whole', 5, 'data'],
  ['what is too deep', nested(33), `data${'.in'.repeat(32)}`],
  ['too many keys', keys(10_001), 'data'],
  ['too many items', { list: Array.from({ length: 10_000 }, () => 0) }, 'data.list'],
  ['what is too large', { text: 'ü'.repeat(131_072) }, 'data'],
  [
    '__proto__ as an own key',
    JSON.parse('{"in":{"__proto__":{"admin":true}}}'),
    'data.in.__proto__',
  ],
  ['__proto__ as an outer key', JSON.parse('{"__proto__":{"admin":true}}'), 'data.__proto__'],
];

/** Plain data, however much it looks like something else. */
const plain: readonly (readonly [what: string, data: Record<string, unknown>])[] = [
  ['keys like operators', { $set: { state: 'FINISHED' }, $where: '1', $in: [{ $ne: null }] }],
  ['keys with dots', { 'a.b': 1, '.': { '..': 2 }, 'c.$': 3 }],
  ['names of members', { constructor: 1, toString: { valueOf: 2 }, prototype: [], then: 'x' }],
  ['our own field names', { _id: 1, seq: 2, token: 'mine', key: null, keepArchive: 1, name: 'x' }],
  ['empty keys and values', { '': '', list: [], map: {}, nothing: null, no: false, zero: 0 }],
  ['any character', { text: '𝄞 \u0000\u2028"\\/ ü', '𝄞': 1, number: 1e-7, large: 1e21 }],
  ['as much as there may be', { ...keys(9_000), deep: nested(31) }],
  ['a long text', { text: 'x'.repeat(262_000) }],
];

describe('an event that is not one of the machine', () => {
  const names: readonly unknown[] = [
    '__proto__',
    'constructor',
    'toString',
    'hasOwnProperty',
    'valueOf',
    'then',
    'xstate.init',
    'xstate.stop',
    'xstate.after.1',
    'xstate.after.1.pipelineJob.CREATED',
    'xstate.done.state.pipelineJob',
    'cancel',
    'delete',
    'revoke',
    'unlink',
    'timer',
    '*',
    '',
    ' ',
    ' run',
    'run ',
    'run\0',
    'r\u0000un',
    'ｒｕｎ',
    'fınısh',
    'r\ud800un',
    'x'.repeat(10_240),
    null,
    undefined,
    5,
    {},
    ['run'],
    true,
    Symbol('run'),
  ];
  it.each(names.map((name) => ({ shown: String(name).slice(0, 40), name })))(
    'is refused as unknown: $shown',
    async ({ name }) => {
      const job = await world.newJob();
      const error = await world.refusal(job.id, UnknownEvent, () => job.send(name as string));
      expect(error.code).toBe('UNKNOWN_EVENT');
      expect(error.known).toContain('run');
      expect(error.event.isWellFormed()).toBe(true);
      expect(error.message.length).toBeLessThan(400);
      await world.refusal(job.id, UnknownEvent, () => job.run().send(name as string));
    },
  );
});

describe('data that JSON would change or that is too much', () => {
  it.each(unfit)('is refused in an event: %s', async (_what, data, path) => {
    const job = await world.newJob();
    const given = data as Record<string, unknown>;
    const error = await world.refusal(job.id, InvalidData, () => job.update(given));
    expect(error.issues.map((issue) => issue.path)).toEqual([path]);
    expect(error.issues[0]?.message).not.toBe('');
    await world.refusal(job.id, InvalidData, () => job.run().update({ fine: 1 }).finish(given));
    expect((await job.refresh()).version).toBe(1);
  });

  it.each(unfit)('is refused in a set-up: %s', async (_what, data, path) => {
    const given = data as Record<string, unknown>;
    const error = await world.refusal(undefined, InvalidData, () =>
      world.manager.setup('pipelineJob', { pipeline, data: given }),
    );
    expect(error.issues.map((issue) => issue.path)).toEqual([path]);
  });

  it.each(unfit)('is refused in a reset: %s', async (_what, data) => {
    if (typeof data !== 'object' || Array.isArray(data)) return;
    const { id } = await world.newJob();
    const job = await world.asAdmin(id);
    const given = { reason: 'again', data: { in: data } };
    await world.refusal(id, InvalidData, () => job.reset(given));
  });
});

describe('data that only looks like something else', () => {
  it.each(plain)('is stored and given back as it is: %s', async (_what, data) => {
    const job = await world.manager.setup('pipelineJob', { pipeline, data: { ...data, it: 1 } });
    await job.update(data);
    await job.send('run', data);
    const [create, update, run] = await historyOf(job);
    expect([create?.data, update?.data, run?.data]).toEqual([{ ...data, it: 1 }, data, data]);
    expect(job.state).toBe('RUNNING');

    await world.manager.maintain();
    const fresh = await (await world.open()).job(job.id);
    expect(fresh.view()).toEqual(job.view());
    const { jobs } = await world.manager.list();
    expect(jobs.find(({ id }) => id === job.id)?.data).toEqual({ ...data, it: 1 });
    const again = await world.manager.setup('pipelineJob', { pipeline, data: { it: 1, ...data } });
    expect(again.id).toBe(job.id);
  });
});

describe('a chain', () => {
  it.each([0, 1_001])('of %i events is refused', async (length) => {
    const job = await world.newJob();
    const events = Array.from({ length }, () => ({ name: 'update' }));
    const error = await world.refusal(job.id, InvalidData, () => job.sendAll(events));
    expect(error.issues).toEqual([
      { path: 'events', message: expect.stringMatching(/at (least|most)/) as string },
    ]);
  });

  it('of 1,000 events is accepted', async () => {
    const job = await world.newJob();
    let chain = job.update();
    for (let count = 1; count < 1_000; count += 1) chain = chain.update();
    expect((await chain).version).toBe(1_001);
  });

  it('is refused where its data is too large as a whole', async () => {
    const job = await world.newJob();
    const data = { text: 'x'.repeat(262_000) };
    const events = Array.from({ length: 17 }, () => ({ name: 'update', data }));
    const error = await world.refusal(job.id, InvalidData, () => job.sendAll(events));
    expect(error.issues).toMatchObject([{ path: 'events' }]);
    expect((await job.sendAll(events.slice(1))).version).toBe(17);
  });
});
