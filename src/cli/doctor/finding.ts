/** What a check found, and what to do about it where it is not well. */
export interface Finding {
  readonly check: string;
  readonly status: 'ok' | 'warning' | 'problem';
  readonly detail: string;
  readonly action?: string;
}

export const ok = (check: string, detail: string): Finding => ({ check, status: 'ok', detail });

export const warning = (check: string, detail: string, action: string): Finding => ({
  check,
  status: 'warning',
  detail,
  action,
});

export const problem = (check: string, detail: string, action: string): Finding => ({
  check,
  status: 'problem',
  detail,
  action,
});

/** A check that itself fails has found a problem. */
export async function guarded(
  check: string,
  action: string,
  find: () => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  try {
    return await find();
  } catch (error) {
    return [problem(check, error instanceof Error ? error.message : String(error), action)];
  }
}
