import { outputNames, zipOutput, type ZippedOutputs } from '../records/outputs.ts';
import type { Result } from '../records/workerProtocol.ts';

/** A report as it is sent: its larger outputs compressed here, so that the service need not. */
export async function zipResult(report: Result): Promise<Result> {
  const { result, stdout, stderr, ...rest } = report;
  const given = { result, stdout, stderr };
  const plain: Partial<typeof given> = {};
  const zipped: { -readonly [Name in keyof ZippedOutputs]: ZippedOutputs[Name] } = {};
  for (const name of outputNames) {
    if (given[name] === undefined) continue;
    const output = await zipOutput(name, given[name]);
    if (output) zipped[name] = output;
    else Object.assign(plain, { [name]: given[name] });
  }
  return { ...rest, ...plain, ...(Object.keys(zipped).length > 0 && { zipped }) };
}
