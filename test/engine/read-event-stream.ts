import { EventSourceParserStream, type EventSourceMessage } from "eventsource-parser/stream";

/** An event of a stream, with its `id` and the object in its `data`. */
export interface StreamedEvent {
  id: string | undefined;
  // A test reads whatever shape it expects, and fails where it is another.
  data: ReturnType<typeof JSON.parse>;
}

/** The events of a response, one by one, as they come. */
export async function* readEvents(response: Response): AsyncGenerator<StreamedEvent> {
  if (response.body === null) return;
  const messages: ReadableStream<EventSourceMessage> = response.body
    .pipeThrough(new TextDecoderStream())
    .pipeThrough(new EventSourceParserStream());
  for await (const { id, data } of messages) yield { id, data: JSON.parse(data) };
}

/** All events of a response, once it has ended. */
export async function readAllEvents(response: Response): Promise<StreamedEvent[]> {
  const events: StreamedEvent[] = [];
  for await (const event of readEvents(response)) events.push(event);
  return events;
}
