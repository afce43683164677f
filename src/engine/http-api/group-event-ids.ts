import { z } from "zod";

/**
 * A position in the event stream of a group. The id of a run's event is its number in the event log. The id of a group
 * status is the number of the newest event that it counts, with a mark, because that event has an id of its own.
 */
export interface StreamPlace {
  /** Everything up to this event has been sent. */
  after: number;
  /** And so has the group's status at that event. */
  statusSent: boolean;
}

const START: StreamPlace = { after: 0, statusSent: false };
const STATUS_MARK = "-status";

export const runEventId = (event: number) => String(event);
export const statusEventId = (position: number) => `${position}${STATUS_MARK}`;

/** Reads `last_event_id`: an `event_id` that was sent, or a cursor. The official client writes null as nothing. */
export const LastEventId = z
  .string()
  .regex(
    // More digits than a safe integer has were never sent.
    new RegExp(`^(?:\\d{1,15}(?:${STATUS_MARK})?)?$`),
    "use the event_id of an event of this group, or one of its cursors, unchanged",
  )
  .default("")
  .transform((id): StreamPlace => {
    if (id === "") return START;
    return { after: Number.parseInt(id, 10), statusSent: id.endsWith(STATUS_MARK) };
  });
