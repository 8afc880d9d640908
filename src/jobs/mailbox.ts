/** How many requests are decided in one go. */
const maxFold = 1_000;

/**
 * A mailbox per job: while one commit of a job is on its way, its other senders wait here, and what
 * has gathered is handled together. Without it every loser of a race would reload and try again.
 * An empty mailbox is not kept.
 */
export class Mailboxes<Mail = unknown> {
  /** By job: its senders in this process, in the order in which they came; null while none waits. */
  readonly #boxes = new Map<string, Mail[] | null>();
  readonly #handle: (jobId: string, mail: Mail[]) => Promise<void>;
  #idle: (() => void)[] = [];

  /** `handle` answers each mail itself and never rejects. */
  constructor(handle: (jobId: string, mail: Mail[]) => Promise<void>) {
    this.#handle = handle;
  }

  post(jobId: string, mail: Mail): void {
    const waiting = this.#boxes.get(jobId);
    if (waiting) waiting.push(mail);
    else if (waiting === null) this.#boxes.set(jobId, [mail]);
    else {
      this.#boxes.set(jobId, null);
      void this.#work(jobId, [mail]);
    }
  }

  /** Resolves once no mail is waiting or being handled. */
  drain(): Promise<void> {
    return this.#boxes.size === 0
      ? Promise.resolve()
      : new Promise((resolve) => this.#idle.push(resolve));
  }

  async #work(jobId: string, first: Mail[]): Promise<void> {
    let mail: Mail[] | undefined = first;
    while (mail) {
      await this.#handle(jobId, mail);
      mail = this.#take(jobId);
    }
    this.#boxes.delete(jobId);
    if (this.#boxes.size === 0) this.#idle.splice(0).forEach((resolve) => resolve());
  }

  #take(jobId: string): Mail[] | undefined {
    const waiting = this.#boxes.get(jobId);
    if (!waiting || waiting.length === 0) return undefined;
    if (waiting.length > maxFold) return waiting.splice(0, maxFold);
    this.#boxes.set(jobId, null);
    return waiting;
  }
}
