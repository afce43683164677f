import { type ReadResourceResult, ResourceNotFoundError } from "@modelcontextprotocol/server";
import { RunNotFound } from "../../../client/errors.ts";
import type { RunSnapshot } from "../../../client/follow/snapshots.ts";
import type { RunOutput } from "../../../task-api/output.ts";
import { isOver } from "../../../task-api/run.ts";
import { WHOLE, composeReport } from "../../report/build-run-report.ts";
import { callFor, isGroupId, shownJson, oneLine } from "../../report/text.ts";
import { reportText } from "../../report/report-text.ts";
import type { CallContext, OpenCall } from "../../runs/call-context.ts";
import { type ReadRun, readRun } from "../../runs/read-run.ts";
import type { CatalogBackend } from "../../tool.ts";
import {
  readExportUri,
  PROCESSORS_URI,
  type RunPart,
  readRunUri,
} from "../../report/resource-uri.ts";
import { processorsTable } from "./processors-table.ts";
import { readExport } from "./read-export.ts";

/** A run that has ended does not change; an hour later the backend may have dropped it. */
const ENDED_TTL_MS = 3_600_000;
/** Prices change with a restart of this server. */
const PROCESSORS_TTL_MS = 300_000;

/**
 * Reads a resource as it is now: nothing is started, spent or waited for. Throws `ResourceNotFoundError` (for a part that
 * a run does not have, too), and what opening and asking the backend throws.
 */
export async function readResource(
  uri: string,
  context: CallContext,
  catalogBackend?: CatalogBackend,
): Promise<ReadResourceResult> {
  if (uri === PROCESSORS_URI) {
    const { backend } = await context.open();
    return {
      contents: [
        { uri, mimeType: "text/markdown", text: processorsTable(backend.prices, catalogBackend) },
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
  const call = await context.open();
  const read = await readPart(uri, runId, part, call);
  return {
    contents: contentsOf(part, uri, read, call),
    ttlMs: isOver(read.seen.run) ? ENDED_TTL_MS : 0,
    cacheScope: "private",
  };
}

async function readPart(
  uri: string,
  runId: string,
  part: RunPart,
  call: OpenCall,
): Promise<ReadRun> {
  try {
    const include = part === "events" ? "steps" : "answer";
    return await readRun(runId, { include, orLedger: true }, call);
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
  { seen, notes }: ReadRun,
  call: OpenCall,
): Contents {
  switch (part) {
    case "report":
      return reportContents(uri, { seen, notes }, call);
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
  { seen, notes }: ReadRun,
  { backend, waits }: OpenCall,
): Contents {
  const report = composeReport({
    seen,
    prices: backend.prices,
    view: "auto",
    place: WHOLE,
    wait: { seconds: 0, isCapped: false },
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
