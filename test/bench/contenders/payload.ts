/** What every contender stores of a job; the engine's own rows hold the same. */
export interface Payload {
  readonly n: number;
  readonly parameters: {
    readonly sample: string;
    readonly threads: number;
    readonly trim: boolean;
  };
}

export const payloadOf = (n: number): Payload => ({
  n,
  parameters: { sample: `sample-${n}`, threads: 8, trim: true },
});

/** Of its start and its end, where there is a place for them. */
export const runData = { msg: 'started', host: 'compute-12', slots: 8 };
export const finishData = { files: 3, bytes: 123_456_789, exit: 0 };
