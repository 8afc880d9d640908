import { describe, expect, it } from 'vitest';
import { readAtMostOnceASecond } from '../../src/telemetry/readAtMostOnceASecond.ts';

describe('readAtMostOnceASecond', () => {
  it('gives an answer again for a second, then asks anew', async () => {
    let [now, asked] = [0, 0];
    const read = readAtMostOnceASecond(
      async () => (asked += 1),
      () => now,
    );
    expect(await read()).toBe(1);
    now = 999;
    expect(await read()).toBe(1);
    now = 1_000;
    expect(await read()).toBe(2);
  });

  it('does not ask again while a question is open, however long', async () => {
    let [now, asked] = [0, 0];
    let answer: (value: number) => void = () => undefined;
    const read = readAtMostOnceASecond(
      () => {
        asked += 1;
        return new Promise<number>((resolve) => (answer = resolve));
      },
      () => now,
    );
    const first = read();
    now = 60_000;
    const second = read();
    answer(7);
    expect(await Promise.all([first, second])).toEqual([7, 7]);
    expect(asked).toBe(1);
  });

  it('keeps a failure for a second too, and answers null', async () => {
    let [now, asked] = [0, 0];
    const read = readAtMostOnceASecond(
      async () => {
        asked += 1;
        if (asked === 1) throw new Error('down');
        return asked;
      },
      () => now,
    );
    expect(await read()).toBeNull();
    expect(await read()).toBeNull();
    now = 1_000;
    expect(await read()).toBe(2);
  });
});
