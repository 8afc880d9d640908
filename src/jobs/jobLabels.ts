import type { Commit, JobSetup } from '../store/store.ts';
import type { Engine } from './engine.ts';

/** What a set-up gave a job for good, by which its entries can be chosen. */
export type Labels = Pick<JobSetup, 'pipeline' | 'session' | 'agent' | 'task' | 'tags'>;

interface Life {
  /** Seq of its `create` entry. */
  readonly createdSeq: number;
  readonly labels: Labels;
}

const capacity = 10_000;
const pageSize = 1_000;

/** The labels of the jobs whose commits came by last; of others they are read from the store. */
export class JobLabels {
  readonly #engine: Pick<Engine, 'store' | 'live'>;
  readonly #lives = new Map<string, Life>();

  constructor(engine: Pick<Engine, 'store' | 'live'>) {
    this.#engine = engine;
  }

  /** The labels of a commit's job as it was then; undefined where only the store can tell. */
  peek(commit: Commit): Labels | undefined {
    if (commit.setup) return this.#keep(commit, commit.seq, commit.setup);
    const life = this.#lives.get(commit.job);
    if (life && life.createdSeq <= commit.seq) {
      return this.#keep(commit, life.createdSeq, life.labels);
    }
    const live = this.#engine.live.peek(commit.job);
    const isOfThatLife = live && live.createdSeq <= commit.seq && commit.seq <= live.seq;
    // Of a removed job not all is known.
    return isOfThatLife && !live.removed
      ? this.#keep(commit, live.createdSeq, live.setup)
      : undefined;
  }

  /** The same, asking the store where it has to; undefined where the log has no creation. */
  async of(commit: Commit): Promise<Labels | undefined> {
    return this.peek(commit) ?? (await this.#read(commit));
  }

  async #read(commit: Commit): Promise<Labels | undefined> {
    const { store } = this.#engine;
    const document = await store.readJob(commit.job);
    const known = document && document.createdSeq <= commit.seq ? document : undefined;
    let life = known && { createdSeq: known.createdSeq, labels: known.setup };
    // The document may be behind, or of a later life: the log knows.
    for (let from = (known?.seq ?? 0) + 1; from <= commit.seq;) {
      const commits = await store.readCommits(commit.job, from, pageSize);
      for (const { seq, setup } of commits) {
        if (setup && seq <= commit.seq) life = { createdSeq: seq, labels: setup };
      }
      if (commits.length < pageSize) break;
      from = (commits.at(-1)?.seq ?? from) + 1;
    }
    return life && this.#keep(commit, life.createdSeq, life.labels);
  }

  #keep({ job }: Commit, createdSeq: number, setup: Labels): Labels {
    const { pipeline, session, agent, task, tags } = setup;
    const labels = { pipeline, session, agent, task, tags };
    const known = this.#lives.get(job);
    this.#lives.delete(job);
    // Whoever looks back must not make others forget a later life.
    this.#lives.set(job, known && known.createdSeq > createdSeq ? known : { createdSeq, labels });
    if (this.#lives.size > capacity) {
      const oldest = this.#lives.keys().next();
      if (!oldest.done) this.#lives.delete(oldest.value);
    }
    return labels;
  }
}
