/** The legal pairs as the contract tables them: state → event → next state. */
export const pipelineJobTable: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  CREATED: {
    create: 'CREATED',
    run: 'RUNNING',
    update: 'CREATED',
    resource: 'CREATED',
    fail: 'FAILED',
    reset: 'RESET',
  },
  RUNNING: {
    run: 'RUNNING',
    update: 'RUNNING',
    resource: 'RUNNING',
    fail: 'FAILED',
    finish: 'FINISHED',
    reset: 'RESET',
  },
  FAILED: { retire: 'RETIRED', reset: 'RESET' },
  FINISHED: {
    finish: 'FINISHED',
    index: 'INDEXING',
    indexed: 'FINISHED',
    validate: 'VALIDATING',
    retire: 'RETIRED',
    reset: 'RESET',
  },
  INDEXING: {
    update: 'INDEXING',
    fail: 'FAILED',
    index: 'INDEXING',
    indexed: 'FINISHED',
    reset: 'RESET',
  },
  VALIDATING: {
    update: 'VALIDATING',
    fail: 'FAILED',
    validated: 'VALIDATED',
    reject: 'REJECTED',
    retire: 'RETIRED',
    reset: 'RESET',
  },
  VALIDATED: {
    validate: 'VALIDATING',
    validated: 'VALIDATED',
    finalize: 'FINALIZED',
    retire: 'RETIRED',
    reset: 'RESET',
  },
  REJECTED: { retire: 'RETIRED', reset: 'RESET' },
  FINALIZED: { retire: 'RETIRED', reset: 'RESET' },
  RETIRED: { reset: 'RESET' },
  RESET: { reset: 'RESET', ready: 'CREATED' },
};

export const states = Object.keys(pipelineJobTable);

export const eventNames =
  'create run update resource fail finish index indexed validate validated finalize reject retire reset ready'.split(
    ' ',
  );

/** All 165 pairs, with the state they lead to or null. */
export const pairs = states.flatMap((from) =>
  eventNames.map((event) => ({ from, event, to: pipelineJobTable[from]?.[event] ?? null })),
);

/** A shortest way from CREATED to each state, for an admin. */
export const wayTo: Readonly<Record<string, readonly string[]>> = {
  CREATED: [],
  RUNNING: ['run'],
  FAILED: ['run', 'fail'],
  FINISHED: ['run', 'finish'],
  INDEXING: ['run', 'finish', 'index'],
  VALIDATING: ['run', 'finish', 'validate'],
  VALIDATED: ['run', 'finish', 'validate', 'validated'],
  REJECTED: ['run', 'finish', 'validate', 'reject'],
  FINALIZED: ['run', 'finish', 'validate', 'validated', 'finalize'],
  RETIRED: ['run', 'finish', 'retire'],
  RESET: ['reset'],
};
