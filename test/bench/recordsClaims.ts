import type { Ours } from './contenders/openOurs.ts';
import { durability } from './context.ts';
import { median, quantile, show, toRow, type Report, type Sample } from './figures.ts';
import { activate, addRecords } from './recordsCycle.ts';

const claimers = 16;
const perRound = 20_000;
const perClaim = 25;
const looks = 500;

/** Sixteen claimers at once until the queue is empty; each record must be claimed once. */
export async function manyClaimers(ours: Ours, rounds: number): Promise<Report> {
  const samples: Sample[] = [];
  let doubled = 0;
  for (let round = 0; round < rounds; round += 1) {
    await addRecords(ours, perRound);
    await ours.manager.engine.projector.flush();
    const names = await Promise.all(Array.from({ length: claimers }, () => activate(ours)));
    const claimed: string[] = [];
    const latencies: number[] = [];
    const started = performance.now();
    await Promise.all(
      names.map(async (name) => {
        for (;;) {
          const begun = performance.now();
          const jobs = await ours.manager.workers.claim(name, { limit: perClaim });
          latencies.push(performance.now() - begun);
          if (jobs.length === 0) return;
          claimed.push(...jobs.map(({ id }) => id));
        }
      }),
    );
    const seconds = (performance.now() - started) / 1_000;
    doubled += claimed.length - new Set(claimed).size;
    if (new Set(claimed).size !== perRound) throw new Error(`claimed ${claimed.length}`);
    samples.push({ value: perRound / seconds, latencies });
  }
  const row = `${claimers} claimers, ${perClaim} a call`;
  const made = toRow({ bench: 'records', unit: 'claims/s', durability, row }, samples);
  return {
    rows: [made],
    verdicts: [
      {
        bench: 'records',
        target: '16 claimers: at least 5,000 claims/s, none doubled',
        found: `${show(median(samples.map(({ value }) => value)))}/s, ${doubled} doubled`,
        met: made.median >= 5_000 && doubled === 0,
      },
    ],
  };
}

/** One claim of ten at a time from a queue of so many records. */
export async function claimsFromLongQueue(ours: Ours, length: number): Promise<Report> {
  await addRecords(ours, length);
  await ours.manager.engine.projector.flush();
  const name = await activate(ours);
  const latencies: number[] = [];
  for (let look = 0; look < looks; look += 1) {
    const begun = performance.now();
    const jobs = await ours.manager.workers.claim(name, { limit: 10 });
    latencies.push(performance.now() - begun);
    if (jobs.length !== 10) throw new Error(`claimed ${jobs.length} of 10`);
  }
  const p99 = quantile(
    latencies.toSorted((a, b) => a - b),
    0.99,
  );
  const sample = { value: median(latencies), latencies };
  const row = `a claim of 10 from ${show(length)} records`;
  return {
    rows: [toRow({ bench: 'records', unit: 'ms', durability, row }, [sample])],
    verdicts: [
      {
        bench: 'records',
        target: `claims from ${show(length)} records: p99 below 50 ms`,
        found: `${show(p99)} ms`,
        met: p99 < 50,
      },
    ],
  };
}
