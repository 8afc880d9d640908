import { describe, expect, it } from 'vitest';
import { attempt } from '../../src/worker/attempt.ts';
import { claimedJob } from './claimedJob.ts';

const tools = { signal: new AbortController().signal, progress: () => undefined };

describe('an attempt', () => {
  it.each([
    [Object.create(null), 'a object that is no text'],
    [Object.assign(new Error('no'), { message: { code: 7 } }), '[object Object]'],
    [Symbol('odd'), 'Symbol(odd)'],
    [undefined, 'undefined'],
    [Object.assign(new Error('no'), { type: 7 }), 'no'],
  ])('makes a report of whatever is thrown: %#', async (thrown: unknown, message) => {
    const run = (): never => {
      throw thrown;
    };
    expect(await attempt(run, claimedJob(), tools)).toEqual({
      ...{ id: 'j1', epoch: 3, outcome: 'error', error: { type: 'unknown_error', message } },
    });
  });
});
