import type { RunEvidence } from "../../task-api/evidence.ts";
import type { TaskRun } from "../../task-api/run.ts";
import { type PassagesView, viewAround, viewHits, viewOutline } from "./reading/passages.ts";
import type { RunReport } from "./run-report.ts";
import { callWithId, oneLine } from "./text.ts";

export interface PassagesRequest {
  run: TaskRun;
  evidence: RunEvidence;
  /** `p1.4`: a passage and its neighbours; `p1`: the outline of a document; `more`: the next hits. */
  asked: string;
  /** Where a list of headings or hits begins. */
  offset: number;
  /** The passages that the answer of the run names. */
  known: ReadonlySet<string>;
}

/** What a run has read of its sources. Throws `InvalidArguments`. */
export function buildPassagesReport(request: PassagesRequest): RunReport {
  const { run, asked } = request;
  const facts = { run_id: oneLine(run.run_id, 100), status: oneLine(run.status, 100) };
  if (asked === "more") return { ...hitsReport(request), ...facts };
  return { ...(asked.includes(".") ? aroundReport(request) : outlineReport(request)), ...facts };
}

function aroundReport({ evidence, asked }: PassagesRequest): RunReport {
  const { leftOut, ...view } = viewAround(evidence, asked);
  const [pageId = ""] = asked.split(".");
  const before = leftOut.before ?? evidence.previous_passage_id;
  const after = leftOut.after ?? evidence.next_passage_id;
  const onward = [
    ...(after === null ? [] : [`passage ${quoted(after)} reads on`]),
    ...(before === null ? [] : [`${quoted(before)} reads back`]),
    `${quoted(pageId)} is the outline`,
    '"more" the next hits',
  ];
  const isCut = leftOut.before !== undefined || leftOut.after !== undefined;
  return {
    summary: `Passage ${asked} and what stands around it, as the run read it.`,
    next_step: `${CITE} get_task_run with this run_id: ${onward.join(", ")}.`,
    ...(isCut && { notes: ["Fewer neighbours are shown than asked for: more do not fit."] }),
    ...shown(view),
  };
}

function outlineReport({ evidence, asked, offset }: PassagesRequest): RunReport {
  const view = viewOutline(evidence, offset);
  const next = view.cut?.next_offset;
  const onward = next === undefined ? [] : [readOn(asked, next)];
  return {
    summary: `The outline of document ${asked}, as the run read it.`,
    next_step: [
      `Read a passage by its id: ${callWithId("get_task_run")} and passage.`,
      ...onward,
    ].join(" "),
    ...shown(view),
  };
}

function hitsReport({ evidence, asked, offset, known }: PassagesRequest): RunReport {
  const view = viewHits(evidence, { offset, known });
  const next = view.cut?.next_offset;
  if (view.documents.length === 0) {
    return {
      summary: "The run found no other passages than those that its answer shows.",
      next_step: "Read around one of those by its id, or ask in other words with create_task_run.",
    };
  }
  const onward = next === undefined ? [] : [readOn(asked, next)];
  return {
    summary:
      "Passages that the run found besides those of its answer, the closest first. The count has those of the answer, too.",
    next_step: [`${CITE} ${readAround(view)}`, ...onward].join(" "),
    ...shown(view),
  };
}

/** How to read around the first passage that is shown. */
function readAround({ documents: [document] }: PassagesView): string {
  const call = callWithId("get_task_run", { passage: document?.passages[0]?.id });
  return `${call} reads around that passage, and ${quoted(document?.id ?? "")} is the outline of its document.`;
}

const CITE = "Cite the document and its place.";

function readOn(passage: string, offset: number): string {
  return `Read on with ${callWithId("get_task_run", { passage, offset })}.`;
}

function quoted(id: string): string {
  return `"${oneLine(id, 40)}"`;
}

function shown({ documents, cut }: PassagesView): Pick<RunReport, "documents" | "cut"> {
  return { documents, ...(cut !== undefined && { cut }) };
}
