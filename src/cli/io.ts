/** What a command reads and writes: all of the outside that it sees. */
export interface Io {
  /** Data that is given, and answers to questions. Absent: there is nothing to read. */
  readonly stdin?: Input | undefined;
  /** Data. */
  readonly stdout: Output;
  /** Messages. */
  readonly stderr: Output;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Raised when the user interrupts. */
  readonly signal: AbortSignal;
  /** For a command that has something to finish when it is interrupted. */
  readonly patience?: Patience | undefined;
  /** The program file of this command line, for a second process of it. */
  readonly program: string;
}

export interface Patience {
  /** Asks for as long as it takes after the first interruption; the second one then raises `hurry`. */
  ask(): void;
  readonly hurry: AbortSignal;
}

export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean | undefined;
}

export type Input = NodeJS.ReadableStream & { readonly isTTY?: boolean | undefined };

/** What every command is made with. */
export interface CommandContext {
  readonly io: Io;
  /** The exit code, where it is not 0. */
  readonly exit: (code: number) => void;
}
