/** Common events that are not about the work of a job: a remark, another place in the queue. */
const asides: ReadonlySet<string> = new Set(['comment', 'modify']);

/** Whether an entry leaves the job's work as it is, whatever machine takes it in. */
export const isAside = ({ name, from, to }: Moving): boolean => from === to && asides.has(name);

/** Whether an entry is only a remark: it does not touch when the job was updated. */
export const isRemark = ({ name, from, to }: Moving): boolean => from === to && name === 'comment';

interface Moving {
  readonly name: string;
  readonly from: string | null;
  readonly to: string | null;
}
