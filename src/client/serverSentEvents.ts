/** One message of a stream of server-sent events. */
export interface ServerSentEvent {
  readonly event: string;
  readonly data: string;
  /** The latest id that the stream has named, also before this message. */
  readonly id: string;
}

/** What a stream says beside its messages. */
export interface StreamSigns {
  /** Something came, if only a comment: it is alive. */
  readonly onBytes?: () => void;
  /** It named this id without a message. */
  readonly onId?: (id: string) => void;
}

/** A message of more characters than this is none of the service's. */
const messageLimit = 16 * 1024 * 1024;

/**
 * The messages of a stream of server-sent events as its chunks come, wherever they are cut. Throws
 * RangeError for a message without an end.
 */
export async function* readServerSentEvents(
  body: ReadableStream<Uint8Array>,
  told: StreamSigns = {},
): AsyncGenerator<ServerSentEvent> {
  const reader = body.getReader();
  const decoder = new TextDecoder();
  const messages = createMessages(told);
  let rest = '';
  try {
    for (;;) {
      const { done, value } = await reader.read();
      // A message that the end cut off is dropped, as the standard says: it comes again.
      if (done) return;
      told.onBytes?.();
      const { lines, open } = splitLines(rest + decoder.decode(value, { stream: true }));
      rest = open;
      for (const line of lines) {
        const message = messages.take(line);
        if (message) yield message;
      }
      if (rest.length + messages.size() > messageLimit) {
        throw new RangeError('a message of the stream does not end');
      }
    }
  } finally {
    // Also where the reader of the messages has had enough. A stream that failed has told so already.
    await reader.cancel().catch(() => undefined);
  }
}

/** The whole lines of a text, and what is left open. A last CR may be half of a CR LF. */
function splitLines(text: string): { lines: string[]; open: string } {
  const whole = text.endsWith('\r') ? text.slice(0, -1) : text;
  const lines = whole.split(/\r\n|\r|\n/);
  const open = `${lines.pop() ?? ''}${text.slice(whole.length)}`;
  return { lines, open };
}

/** Puts lines together to messages. */
function createMessages({ onId }: StreamSigns) {
  let event = '';
  let data: string[] = [];
  let size = 0;
  let id = '';
  let hasNewId = false;
  const finish = (): ServerSentEvent | undefined => {
    const message =
      data.length > 0 ? { event: event || 'message', data: data.join('\n'), id } : undefined;
    if (!message && hasNewId) onId?.(id);
    hasNewId = false;
    event = '';
    data = [];
    size = 0;
    return message;
  };
  return {
    size: () => size,
    take(line: string): ServerSentEvent | undefined {
      if (line === '') return finish();
      const colon = line.indexOf(':');
      const field = colon < 0 ? line : line.slice(0, colon);
      const value = colon < 0 ? '' : line.slice(colon + 1).replace(/^ /, '');
      size += value.length;
      if (field === 'event') event = value;
      if (field === 'data') data.push(value);
      if (field === 'id' && !value.includes('\0')) {
        id = value;
        hasNewId = true;
      }
      return undefined;
    },
  };
}
