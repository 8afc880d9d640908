import { describe, expectTypeOf, it } from 'vitest';
import type { z } from 'zod';
import type * as client from '../../src/client/index.ts';
import type * as schemas from '../../src/http/schemas.ts';
import type { WireJob } from '../../src/http/wire.ts';

/** What the service promises to send; its own tests hold every answer against these schemas. */
type Sent<Name extends keyof typeof schemas> = (typeof schemas)[Name] extends z.ZodType
  ? z.output<(typeof schemas)[Name]>
  : never;

describe("the client's types", () => {
  it('take what the service sends', () => {
    expectTypeOf<WireJob>().toExtend<client.Job>();
    expectTypeOf<keyof Sent<'entry'>>().toEqualTypeOf<keyof client.Entry>();
    expectTypeOf<keyof Sent<'machine'>>().toEqualTypeOf<keyof client.MachineView>();
    expectTypeOf<keyof Sent<'pipeline'>>().toEqualTypeOf<keyof client.PipelineView>();
    expectTypeOf<keyof Sent<'token'>>().toEqualTypeOf<keyof client.IssuedToken>();
    expectTypeOf<keyof Sent<'auditRecord'>>().toEqualTypeOf<keyof client.AuditRecord>();
  });

  it('send what the service takes', () => {
    type StreamQuery = z.input<typeof schemas.streamQuery>;
    expectTypeOf<keyof client.StreamFilter>().toEqualTypeOf<
      Exclude<keyof StreamQuery, 'lastEventId'>
    >();
    expectTypeOf<client.ResetInput>().toExtend<z.input<typeof schemas.reset>>();
    expectTypeOf<client.PipelineInput>().toExtend<z.input<typeof schemas.pipelineInput>>();
  });
});
