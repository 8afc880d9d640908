/**
 * What a worker's `run` throws to say how it failed: `type` is the class of errors that retries go by. Any
 * other error will do; its `type` is taken where it has one, else it is `unknown_error`.
 */
export class RunFailed extends Error {
  readonly type: string;
  readonly stdout: string | undefined;
  readonly stderr: string | undefined;

  constructor(
    type: string,
    message: string,
    outputs: { readonly stdout?: string; readonly stderr?: string } = {},
  ) {
    super(message);
    this.name = 'RunFailed';
    this.type = type;
    this.stdout = outputs.stdout;
    this.stderr = outputs.stderr;
  }
}
