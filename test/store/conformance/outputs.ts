import { describe, expect, it } from 'vitest';
import { after, newJobId, sometime } from './builders.ts';
import { type MakeStore, useFreshStore } from './useStore.ts';

/** More than GridFS puts into one chunk, so that several have to be put together in order. */
const large = Uint8Array.from({ length: 700_001 }, (_, index) => (index * 31) % 251);

/** Large outputs, beside the log. */
export function describeOutputs(makeStore: MakeStore): void {
  describe('putOutput, readOutput and removeOutputs', () => {
    const store = useFreshStore(makeStore);

    it.each([
      { what: 'nothing', bytes: new Uint8Array() },
      { what: 'a few bytes', bytes: Uint8Array.of(0, 255, 128, 10) },
      { what: 'many bytes', bytes: large },
    ])('gives back $what as it was given', async ({ bytes }) => {
      const job = newJobId();
      const id = await store().putOutput(job, bytes, sometime);
      const read = await store().readOutput(job, id);
      expect(Buffer.compare(read ?? Buffer.from('none'), bytes)).toBe(0);
    });

    it('gives none to another job, and null for one that never was', async () => {
      const job = newJobId();
      const id = await store().putOutput(job, Uint8Array.of(1), sometime);
      expect(await store().readOutput(newJobId(), id)).toBeNull();
      expect(await store().readOutput(job, newJobId())).toBeNull();
    });

    it('keeps outputs apart that are stored at once, also alike ones', async () => {
      const job = newJobId();
      const all = Array.from({ length: 8 }, (_, index) => Uint8Array.of(index % 2));
      const ids = await Promise.all(all.map((each) => store().putOutput(job, each, sometime)));
      expect(new Set(ids).size).toBe(8);
      const read = await Promise.all(ids.map((id) => store().readOutput(job, id)));
      expect(read.map((each) => each?.[0])).toEqual([0, 1, 0, 1, 0, 1, 0, 1]);
    });

    it('drops those of the job that are named, and no other', async () => {
      const [job, other] = [newJobId(), newJobId()];
      const [first = '', second = '', foreign = ''] = await Promise.all(
        [job, job, other].map((each) => store().putOutput(each, large, sometime)),
      );
      await store().removeOutputs(job, [first, foreign, newJobId()]);
      expect(await store().readOutput(job, first)).toBeNull();
      expect(await store().readOutput(job, second)).not.toBeNull();
      expect(await store().readOutput(other, foreign)).not.toBeNull();
      await store().removeOutputs(job, [first]);
      await store().removeOutputs(job, []);
    });
  });

  describe('looseOutputs and keepOutputs', () => {
    const store = useFreshStore(makeStore);

    it('lists what is loose since before a time, the oldest first, as far as asked for', async () => {
      const job = newJobId();
      const put = (at: Date) => store().putOutput(job, Uint8Array.of(1, 2), at);
      const newer = await put(after(10));
      const older = await put(after(0));
      await put(after(20));
      const told = (id: string, storedAt: Date) => ({ id, job, bytes: 2, storedAt });
      const loose = [told(older, after(0)), told(newer, after(10))];
      expect(await store().looseOutputs(after(20), 10)).toEqual(loose);
      expect(await store().looseOutputs(after(20), 1)).toEqual(loose.slice(0, 1));
      expect(await store().looseOutputs(after(0), 10)).toEqual([]);
    });

    it('no longer lists what is kept or dropped; what is kept can still be read and dropped', async () => {
      const job = newJobId();
      const put = () => store().putOutput(job, large, sometime);
      const [kept = '', dropped = ''] = await Promise.all([put(), put()]);
      await store().keepOutputs([kept, newJobId()]);
      await store().keepOutputs([]);
      await store().removeOutputs(job, [dropped]);
      expect(await store().looseOutputs(after(1), 10)).toEqual([]);
      expect(await store().readOutput(job, kept)).toHaveLength(large.length);
      await store().removeOutputs(job, [kept]);
      expect(await store().readOutput(job, kept)).toBeNull();
    });
  });
}
