import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { defineMachine, type EffectRun, type EventsOf } from 'jobwright';
import { assign, or, setup } from 'xstate';
import { z } from 'zod';

/** What a set-up has to say. */
const input = z.object({ title: z.string().min(1), author: z.string().min(1) });

const remark = z.object({ remark: z.string() }).optional();

/** What may be sent, and with which data. Each event is a method of the job. */
const events = {
  /** The draft is ready for review in this revision. */
  submit: z.object({ revision: z.string().min(1) }),
  approveLegal: remark,
  rejectLegal: z.object({ reason: z.string().min(1) }),
  approveTechnical: remark,
  /** Back to the draft, whatever the reviewers have said. */
  revise: remark,
  withdraw: remark,
};

/** What the machine remembers: plain JSON, changed by assignments only. */
interface Context {
  readonly title: string;
  readonly author: string;
  readonly revision: string | null;
  readonly approvedBy: readonly string[];
  readonly escalated: boolean;
}

/** The parameters of the effect `fileNotice`. */
const notice = z.object({
  kind: z.enum(['escalated', 'published']),
  title: z.string(),
  revision: z.string().nullable(),
  approvedBy: z.array(z.string()).readonly(),
});

const noticeOf = (kind: 'escalated' | 'published') => ({
  type: 'fileNotice' as const,
  params: ({ context: { title, revision, approvedBy } }: { context: Context }) => ({
    kind,
    title,
    revision,
    approvedBy,
  }),
});

const sevenDays = 7 * 24 * 60 * 60 * 1000;

const machine = setup({
  types: {
    context: {} as Context,
    events: {} as EventsOf<typeof events>,
    input: {} as z.output<typeof input>,
  },
  guards: {
    isAdmin: ({ event }) => event.actor.kind === 'admin',
    isAuthor: ({ context, event }) => event.actor.id === context.author,
    /** Neither the author nor the one who gave the other approval. */
    isIndependent: ({ context, event }) =>
      ![context.author, ...context.approvedBy].includes(event.actor.id),
  },
  actions: {
    /** Changes what the machine remembers, and nothing else. */
    addApproval: assign({
      approvedBy: ({ context, event }) => [...context.approvedBy, event.actor.id],
    }),
    /** Only named here: its handler below runs once the entry is stored, never inside the machine. */
    fileNotice: (_, _params: z.output<typeof notice>) => undefined,
  },
}).createMachine({
  id: 'approval',
  context: ({ input }) => ({ ...input, revision: null, approvedBy: [], escalated: false }),
  initial: 'draft',
  states: {
    /** The author writes. */
    draft: {
      on: {
        submit: {
          guard: 'isAuthor',
          target: 'review',
          actions: assign({
            revision: ({ event }) => event.data.revision,
            approvedBy: [],
            escalated: false,
          }),
        },
        withdraw: { guard: or(['isAuthor', 'isAdmin']), target: 'withdrawn' },
      },
    },
    /** Two reviews at once, by two people, neither of them the author. */
    review: {
      type: 'parallel',
      states: {
        legal: {
          initial: 'open',
          states: {
            open: {
              on: {
                approveLegal: {
                  guard: 'isIndependent',
                  target: 'approved',
                  actions: 'addApproval',
                },
                rejectLegal: { guard: 'isIndependent', target: 'rejected' },
              },
            },
            approved: { type: 'final' },
            /** Nothing will be published; the author revises or withdraws. */
            rejected: {},
          },
        },
        technical: {
          initial: 'open',
          states: {
            open: {
              on: {
                approveTechnical: {
                  guard: 'isIndependent',
                  target: 'approved',
                  actions: 'addApproval',
                },
              },
            },
            approved: { type: 'final' },
          },
        },
      },
      on: {
        revise: { guard: 'isAuthor', target: 'draft' },
        withdraw: { guard: or(['isAuthor', 'isAdmin']), target: 'withdrawn' },
      },
      after: { [sevenDays]: { actions: [assign({ escalated: true }), noticeOf('escalated')] } },
      onDone: { target: 'published', actions: noticeOf('published') },
    },
    /** Both have approved. */
    published: { type: 'final' },
    /** The author, or an admin, gave it up. */
    withdrawn: { type: 'final' },
  },
});

/**
 * Writes `<kind>.json` into the job's archive directory. Run twice it writes the same bytes to the same
 * file; a reader never sees half of it.
 */
async function fileNotice({
  params,
  archiveDirectory,
  jobId,
  seq,
  attempt,
}: EffectRun): Promise<void> {
  const { kind, ...content } = notice.parse(params);
  const path = join(archiveDirectory, `${kind}.json`);
  const draft = `${path}.${seq}-${attempt}`;
  await mkdir(archiveDirectory, { recursive: true });
  await writeFile(draft, `${JSON.stringify({ job: jobId, entry: seq, ...content }, null, 2)}\n`);
  await rename(draft, path);
}

/** A document's way through two reviews to publication. */
export const approval = defineMachine({
  name: 'approval',
  version: '1',
  description: 'A document is drafted, reviewed by two people and published.',
  machine,
  input,
  events,
  effects: { fileNotice },
});
