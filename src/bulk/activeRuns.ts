/** The bulk runs that this process works on, and its way to stop doing so. */
export class ActiveRuns {
  readonly #active = new Map<string, Promise<void>>();
  #isStopping = false;

  /** Whether this process is about to close: what is left of a run is for others. */
  get isStopping(): boolean {
    return this.#isStopping;
  }

  /** The work on a run here, if there is any; never rejects. */
  get(run: string): Promise<void> | undefined {
    return this.#active.get(run);
  }

  /** Works on a run, unless that is being done here already. A failure goes to `onFailure`. */
  start(
    run: string,
    work: () => Promise<void>,
    onFailure: (error: unknown) => void,
  ): Promise<void> {
    const known = this.#active.get(run);
    if (known) return known;
    const done = work()
      .catch(onFailure)
      .finally(() => this.#active.delete(run));
    this.#active.set(run, done);
    return done;
  }

  /** Lets the chunks that are under way come to their end, and begins no other. */
  async close(): Promise<void> {
    this.#isStopping = true;
    await Promise.all(this.#active.values());
  }
}
