/** One job's senders in this process, in the order in which they came. */
interface Mailbox<Mail> {
  waiting: Mail[];
}

/** How many requests are decided in one go. */
const maxFold = 1_000;

/**
 * A mailbox per job: while one commit of a job is on its way, its other senders wait here, and what
 * has gathered is handled together. Without it every loser of a race would reload and try again.
 * An empty mailbox is not kept.
 */
export class Mailboxes<Mail = unknown> {
  readonly #boxes = new Map<string, Mailbox<Mail>>();
  readonly #handle: (jobId: string, mail: Mail[]) => Promise<void>;
  #idle: (() => void)[] = [];

  /** `handle` answers each mail itself and never rejects. */
  constructor(handle: (jobId: string, mail: Mail[]) => Promise<void>) {
    this.#handle = handle;
  }

  post(jobId: string, mail: Mail): void {
    const box = this.#boxes.get(jobId);
    if (box) {
      box.waiting.push(mail);
      return;
    }
    this.#boxes.set(jobId, { waiting: [] });
    void this.#work(jobId, [mail]);
  }

  /** Resolves once no mail is waiting or being handled. */
  drain(): Promise<void> {
    return this.#boxes.size === 0
      ? Promise.resolve()
      : new Promise((resolve) => this.#idle.push(resolve));
  }

  async #work(jobId: string, first: Mail[]): Promise<void> {
    let mail = first;
    while (mail.length > 0) {
      await this.#handle(jobId, mail);
      const box = this.#boxes.get(jobId);
      mail = box?.waiting.splice(0, maxFold) ?? [];
    }
    this.#boxes.delete(jobId);
    if (this.#boxes.size === 0) this.#idle.splice(0).forEach((resolve) => resolve());
  }
}
