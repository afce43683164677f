import { Hono } from "hono";
import { unprocessable } from "./api-error.ts";
import { handle } from "./endpoints/endpoint.ts";
import { runEndpoints } from "./endpoints/run-endpoints.ts";
import type { RequestEnv } from "./request-context.ts";
import { requireRun } from "./require-run.ts";
import { endsStream, writeRunEvents } from "./run-events-stream.ts";
import type { RunRoutesContext } from "./run-routes.ts";

/** The event stream of a run, under the path it has now and the one it had. Source: Task API, endpoints 5 and 5b. */
export function createRunEventRoutes({
  runs,
  streams,
  limits,
}: Pick<RunRoutesContext, "runs" | "streams" | "limits">): Hono<RequestEnv> {
  const routes = new Hono<RequestEnv>();

  handle(routes, runEndpoints.streamTaskRunEvents, async (c) => {
    const { runId } = await requireRun(c, runs);
    const profile = c.get("profile");
    const after =
      profile === "hosted" ? null : await readCursor(runId, c.req.header("last-event-id"));
    // The client has everything. Told so this way, an `EventSource` does not come back. Source: HTML, 9.2.3.
    if (after === "end") return c.body(null, 204);
    return streams.open(c, (stream) =>
      writeRunEvents(stream, { runId, after, profile }, { runs, limits }),
    );
  });

  /** The number of the event that a client saw last; null for one that begins, `end` when it was the last of all. */
  async function readCursor(
    runId: string,
    header: string | undefined,
  ): Promise<number | null | "end"> {
    if (header === undefined || header === "") return null;
    const seq = /^[1-9]\d{0,14}$/.test(header) ? Number(header) : undefined;
    const [event] = seq === undefined ? [] : await runs.readEvents(runId, seq - 1);
    if (event === undefined || event.seq !== seq) {
      throw unprocessable([
        {
          type: "cursor_unknown",
          loc: ["header", "last-event-id"],
          msg: "use the id of an event of this run's stream, or leave the header out",
        },
      ]);
    }
    return event.kind === "state" && endsStream(event.status, "extended") ? "end" : seq;
  }

  return routes;
}
