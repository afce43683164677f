import { type ReadResourceResult, ResourceNotFoundError } from "@modelcontextprotocol/server";
import { RunNotFound } from "../../../client/errors.ts";
import type { RunSnapshot } from "../../../client/follow/snapshots.ts";
import type { RunOutput } from "../../../task-api/output.ts";
import { isOver } from "../../../task-api/run.ts";
import type { Backend } from "../../runs/backend.ts";
import { WHOLE, composeReport } from "../../report/build-run-report.ts";
import { callFor, isGroupId, oneLine, shownJson } from "../../report/text.ts";
import type { RunView } from "../../report/reading/run-views.ts";
import { reportText } from "../../report/report-text.ts";
import { seeOrRecall } from "../../runs/read-run.ts";
import type { CatalogBackend } from "../../tool.ts";
import { boundWait } from "../../runs/wait-policy.ts";
import {
  type RunPart,
  PROCESSORS_URI,
  readExportUri,
  readRunUri,
} from "../../report/resource-uri.ts";
import { processorsTable } from "./processors-table.ts";
import { type ReadingContext, readExport } from "./read-export.ts";

/** A run that has ended does not change; an hour later the backend may have dropped it. */
const ENDED_TTL_MS = 3_600_000;
/** Prices change with a restart of this server. */
const PROCESSORS_TTL_MS = 300_000;

const VIEWS: Readonly<Record<RunPart, RunView>> = {
  report: "auto",
  output: "output",
  basis: "basis",
  events: "events",
};

/**
 * Reads a resource as it is now: nothing is started, spent or waited for. Throws `ResourceNotFoundError` (for a part that
 * a run does not have, too), and what opening and asking the backend throws.
 */
export async function readResource(
  uri: string,
  context: ReadingContext & { catalogBackend?: CatalogBackend | undefined },
): Promise<ReadResourceResult> {
  if (uri === PROCESSORS_URI) {
    const { prices } = await context.openBackend();
    return {
      contents: [
        { uri, mimeType: "text/markdown", text: processorsTable(prices, context.catalogBackend) },
      ],
      ttlMs: PROCESSORS_TTL_MS,
      cacheScope: "public",
    };
  }
  const ofGroup = readExportUri(uri);
  if (ofGroup !== null) return readExport(uri, ofGroup, context);
  const named = readRunUri(uri);
  if (named === null) throw new ResourceNotFoundError(uri);
  const { runId, part } = named;
  const backend = await context.openBackend();
  const { seen, notes } = await see(backend, uri, runId, VIEWS[part], context);
  return {
    contents: contentsOf(part, uri, seen, { backend, notes, context }),
    ttlMs: isOver(seen.run) ? ENDED_TTL_MS : 0,
    cacheScope: "private",
  };
}

async function see(
  backend: Backend,
  uri: string,
  runId: string,
  view: RunView,
  context: ReadingContext,
): ReturnType<typeof seeOrRecall> {
  try {
    return await seeOrRecall(backend, runId, { view, seconds: 0 }, context);
  } catch (error) {
    if (!(error instanceof RunNotFound)) throw error;
    throw new ResourceNotFoundError(
      uri,
      isGroupId(runId)
        ? `This is the id of a task group, which is no resource: call ${callFor(oneLine(runId, 100))}.`
        : "The backend knows no such run. Use the run_id exactly as create_task_run returned it.",
    );
  }
}

type Contents = ReadResourceResult["contents"];

function contentsOf(
  part: RunPart,
  uri: string,
  seen: RunSnapshot,
  about: { backend: Backend; notes: readonly string[]; context: ReadingContext },
): Contents {
  switch (part) {
    case "report":
      return reportContents(uri, seen, about);
    case "output": {
      const { type, content } = requireOutput(uri, seen);
      return type === "text"
        ? [{ uri, mimeType: "text/markdown", text: content }]
        : [jsonContent(uri, content)];
    }
    case "basis":
      return [jsonContent(uri, requireOutput(uri, seen).basis)];
    case "events":
      return [jsonContent(uri, seen.messages)];
  }
}

/** The report as the tools give it, for people and for programs. In the text, words from the web are behind a fence. */
function reportContents(
  uri: string,
  seen: RunSnapshot,
  {
    backend,
    notes,
    context: { waits },
  }: { backend: Backend; notes: readonly string[]; context: ReadingContext },
): Contents {
  const report = composeReport({
    seen,
    prices: backend.prices,
    view: "auto",
    place: WHOLE,
    wait: boundWait(0, waits),
    nextWaitSeconds: waits.defaultSeconds,
    notes,
  });
  const text = reportText(report).join("\n\n");
  return [{ uri, mimeType: "text/markdown", text }, jsonContent(uri, report)];
}

function requireOutput(uri: string, { run, output, trouble }: RunSnapshot): RunOutput {
  if (output !== null) return output;
  if (!run.is_active && trouble !== null) {
    throw new ResourceNotFoundError(uri, `The output could not be read now. ${trouble}`);
  }
  throw new ResourceNotFoundError(
    uri,
    run.is_active
      ? `The run is ${run.status} and has no output yet.`
      : `The run has no output; its status is ${run.status}.`,
  );
}

function jsonContent(uri: string, value: unknown): Contents[number] {
  return { uri, mimeType: "application/json", text: shownJson(value) };
}
