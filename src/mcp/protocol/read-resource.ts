import { type ReadResourceResult, ResourceNotFoundError } from "@modelcontextprotocol/server";
import { GroupNotFound, RunNotFound } from "../../client/errors.ts";
import type { RunSnapshot } from "../../client/follow/snapshots.ts";
import type { RunOutput } from "../../task-api/output.ts";
import { PROCESSORS } from "../../task-api/processors.ts";
import { isOver } from "../../task-api/run.ts";
import { WHOLE_OUTPUT, buildRunReport } from "../report/build-run-report.ts";
import { exportRowOf, exportText } from "../report/reading/export-rows.ts";
import type { GroupRunState } from "../report/reading/rows.ts";
import { reportText } from "../report/report-text.ts";
import {
  EXPORT_TYPES,
  type ExportFormat,
  PROCESSORS_URI,
  type RunPart,
  readExportUri,
  readRunUri,
} from "../report/resource-uri.ts";
import {
  callFor,
  callText,
  durationText,
  isGroupId,
  markdownTable,
  oneLine,
  shownJson,
} from "../report/text.ts";
import type { CallContext, OpenCall } from "../runs/call-context.ts";
import { CHARACTERS_SHOWN } from "../runs/characters-shown.ts";
import type { PriceList } from "../runs/price-list.ts";
import { type ReadGroup, readGroup, readGroupPage } from "../runs/read-group.ts";
import { type ReadRun, readRun } from "../runs/read-run.ts";
import type { CatalogBackend } from "../tool.ts";

/** A finished run does not change, but the backend may delete it. */
const ENDED_TTL_MS = 3_600_000;
/** Prices change only when this server restarts. */
const PROCESSORS_TTL_MS = 300_000;

/**
 * Reads a resource without waiting or spending. Throws `ResourceNotFoundError`, also for a part that the run does not
 * have, and the errors of the backend.
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
        ? `This id is a task group, which has no report resource: call ${callFor(oneLine(runId, 100))}.`
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

/** The report as text, with untrusted text marked, and as JSON. */
function reportContents(
  uri: string,
  { seen, notes }: ReadRun,
  { backend, waits }: OpenCall,
): Contents {
  const report = buildRunReport({
    seen,
    prices: backend.prices,
    view: "auto",
    selection: WHOLE_OUTPUT,
    wait: { seconds: 0, isCapped: false },
    nextWaitSeconds: waits.defaultSeconds,
    notes,
  });
  const text = reportText(report).join("\n\n");
  return [{ uri, mimeType: "text/markdown", text }, jsonContent(uri, report)];
}

function requireOutput(uri: string, { run, output, staleReason }: RunSnapshot): RunOutput {
  if (output !== null) return output;
  if (!run.is_active && staleReason !== null) {
    throw new ResourceNotFoundError(uri, `The output could not be read. ${staleReason}`);
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

/** The most JSON in one file: some ten thousand short results. get_task_group pages through the rest. */
const MAX_BYTES = 4_000_000;

/** All results that a group has now, as one file; a second part says when some are missing. */
async function readExport(
  uri: string,
  { taskgroupId, format }: { taskgroupId: string; format: ExportFormat },
  context: CallContext,
): Promise<ReadResourceResult> {
  const call = await context.open();
  const page = {
    statuses: ["completed"],
    cursor: undefined,
    limit: Number.POSITIVE_INFINITY,
    budget: MAX_BYTES,
    itemOf: (found: GroupRunState) => exportRowOf(found, MAX_BYTES),
    isRecorded: false,
  };
  const { items, isCut, nextCursor, missing } = await readGroupPage(await read(), page, call);
  const rest = callText("get_task_group", {
    taskgroup_id: taskgroupId,
    view: "export",
    format,
    ...(nextCursor !== null && { cursor: nextCursor }),
  });
  const isWhole = !isCut && missing === 0;
  return {
    contents: [
      { uri, mimeType: EXPORT_TYPES[format], text: await exportText(items, format) },
      ...(isWhole
        ? []
        : [
            {
              uri,
              mimeType: "text/plain",
              text: `These are the first ${items.length} results. The rest: ${rest}.`,
            },
          ]),
    ],
    ttlMs: 0,
    cacheScope: "private",
  };

  async function read(): Promise<ReadGroup> {
    try {
      return await readGroup(taskgroupId, { waitSeconds: 0 }, call);
    } catch (error) {
      if (!(error instanceof GroupNotFound)) throw error;
      throw new ResourceNotFoundError(
        uri,
        "The backend knows no such group. Use the taskgroup_id exactly as create_task_group returned it.",
      );
    }
  }
}

/** The processors as Markdown, with the prices of this backend. */
function processorsTable(
  prices: PriceList,
  backend: CatalogBackend | undefined = "hosted",
): string {
  const price = (name: string) => {
    const usd = prices.priceUsd(name);
    return usd === undefined ? "unknown" : `$${usd}`;
  };
  switch (backend) {
    case "embedded":
    case "host":
      return markdownPage(
        "The built-in engine searches its document folders, mostly within seconds. Processors from core on show more of them; -fast makes no difference.",
        ["processor", "price per completed run", "characters of the documents in an answer"],
        Object.entries(CHARACTERS_SHOWN).map(([name, characters]) => [
          name,
          price(name),
          `up to ${characters.toLocaleString("en-US")}`,
        ]),
      );
    case "scripted":
      return markdownPage(
        "A script decides what runs do here and how long they take.",
        ["processor", "price per completed run"],
        PROCESSORS.map(({ name }) => [name, price(name)]),
      );
    case "hosted":
    case "custom":
      return markdownPage(
        [
          "Choose the cheapest that fits. Failed runs are not billed. Usual times exclude time in the queue.",
          ...(prices.caveat === null ? [] : [`Prices are ${prices.caveat}.`]),
        ].join("\n"),
        ["processor", "price per completed run", "usual time", "output fields", "best for"],
        PROCESSORS.map(({ name, maxFields, bestFor }) => {
          const usual = prices.usualSeconds(name);
          const time =
            usual === undefined
              ? "unknown"
              : `${durationText(usual.from)} to ${durationText(usual.to)}`;
          return [name, price(name), time, `about ${maxFields}`, bestFor];
        }),
      );
  }
}

function markdownPage(
  text: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  return ["# Processors", "", text, "", markdownTable(head, rows), ""].join("\n");
}
