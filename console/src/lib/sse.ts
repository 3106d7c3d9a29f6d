/* sse.ts: server-sent events out of the pieces of a body, in whatever pieces they come. */
export interface ServerEvent {
  event: string;
  data: string;
}

export class EventParser {
  private rest = '';
  private event = '';
  private data: string[] = [];

  /* Gives the events that the piece completes. A comment gives one with an empty name: it only says "still here". */
  push(piece: string): ServerEvent[] {
    const events: ServerEvent[] = [];
    const lines = (this.rest + piece).split(/\r\n|\n|\r(?!$)/);
    this.rest = lines.pop()!;
    for (const line of lines) {
      if (line === '') {
        if (this.data.length) events.push({ event: this.event || 'message', data: this.data.join('\n') });
        this.event = '';
        this.data = [];
      } else if (line.startsWith(':')) {
        events.push({ event: '', data: '' });
      } else {
        const colon = line.indexOf(':');
        const name = colon < 0 ? line : line.slice(0, colon);
        const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1);
        if (name === 'event') this.event = value;
        else if (name === 'data') this.data.push(value);
      }
    }
    return events;
  }
}

/* Reads a body to its end and tells every event. Throws when the connection breaks or is aborted. */
export async function readEvents(body: ReadableStream<Uint8Array>, told: (event: ServerEvent) => void): Promise<void> {
  const reader = body.getReader(), decoder = new TextDecoder(), parser = new EventParser();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    for (const event of parser.push(decoder.decode(value, { stream: true }))) told(event);
  }
}
