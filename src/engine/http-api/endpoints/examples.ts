import type { RunEvidence } from "../../../task-api/evidence.ts";
import type { AnswerForm, AnswerSubmission } from "../../../task-api/answer.ts";
import type { TaskRunResult } from "../../../task-api/output.ts";
import type { RunEvent } from "../../../task-api/run-event.ts";
import type { RunInput } from "../../../task-api/run-input.ts";
import type { TaskRun } from "../../../task-api/run.ts";
import type { TaskGroup, TaskGroupStatus } from "../../../task-api/task-group.ts";

const RUN_ID = "trun_9907962f83aa4d9d98fd7f4bf745d654";
const GROUP_ID = "tgrp_5d1a4b0cbb134e4e8b0cb7d5e0b3c9af";

const gdpProperties = {
  gdp: { type: "string", description: "GDP in USD, e.g. '$3.1 trillion (2023)'" },
};

export const question: RunInput = {
  input: "What was the GDP of France in 2023?",
  processor: "base",
};

export const structuredQuestion: RunInput = {
  input: { country: "France", year: 2023 },
  processor: "core",
  task_spec: {
    output_schema: {
      type: "json",
      json_schema: {
        type: "object",
        properties: gdpProperties,
        required: ["gdp"],
        additionalProperties: false,
      },
    },
  },
  metadata: { my_key: "my_value" },
  source_policy: { include_domains: ["worldbank.org", ".gov"] },
  enable_events: true,
  webhook: { url: "https://example.com/hook", event_types: ["task_run.status"] },
};

export const queuedRun: TaskRun = {
  run_id: RUN_ID,
  interaction_id: RUN_ID,
  status: "queued",
  is_active: true,
  processor: "core",
  metadata: { my_key: "my_value" },
  created_at: "2026-04-23T20:21:48.037943Z",
  modified_at: "2026-04-23T20:21:48.037943Z",
};

export const completedRun: TaskRun = {
  ...queuedRun,
  status: "completed",
  is_active: false,
  modified_at: "2026-04-23T20:22:48.037943Z",
};

export const failedRun: TaskRun = {
  ...completedRun,
  status: "failed",
  error: {
    ref_id: "51f78b52-6f0c-4f6a-8f2b-0d7f2a3c9b11",
    message: "The document folder is gone; put it back and ask again.",
    detail: null,
  },
};

export const cancellingRun: TaskRun = { ...queuedRun, status: "cancelling" };

export const result: TaskRunResult = {
  run: completedRun,
  output: {
    type: "json",
    content: { gdp: "$3.05 trillion (2023)" },
    basis: [
      {
        field: "gdp",
        reasoning: "The World Bank's table has the value for 2023.",
        confidence: "high",
        citations: [
          {
            title: "GDP (current US$) - France",
            url: "https://data.worldbank.org/indicator/NY.GDP.MKTP.CD?locations=FR",
            excerpts: ["2023: 3.05 trillion"],
          },
        ],
      },
    ],
  },
};

export const answerForm: AnswerForm = {
  run_id: RUN_ID,
  question: "What was the GDP of France in 2023?",
  output_schema: {
    type: "object",
    properties: { gdp: { type: "string" } },
    required: ["gdp"],
    additionalProperties: false,
  },
  output_description: null,
  rules: ["Write the output from the passages only."],
  deadline: "2026-04-23T20:37:01.786Z",
  tries_left: 3,
  queries_left: 3,
  passages: [
    {
      id: "p1.4",
      title: "GDP (current US$) - France",
      url: "https://data.worldbank.org/indicator/NY.GDP.MKTP.CD?locations=FR",
      heading: "Annual values",
      place: "p. 2",
      text: "Year: 2023; GDP: 3.05 trillion US$",
    },
  ],
  offset: 0,
  next_offset: null,
  passages_total: 1,
};

export const answer: AnswerSubmission = {
  output: { gdp: "$3.05 trillion (2023)" },
  citations: { gdp: ["p1.4"] },
};

export const stateEvent: RunEvent = {
  type: "task_run.state",
  event_id: null,
  input: null,
  run: completedRun,
  output: result.output,
};

export const statsEvent: RunEvent = {
  type: "task_run.progress_stats",
  progress_meter: 41.5,
  source_stats: {
    num_sources_considered: 223,
    num_sources_read: 22,
    sources_read_sample: ["https://example.com/a"],
  },
};

export const messageEvent: RunEvent = {
  type: "task_run.progress_msg.search",
  message: "Query: GDP of France 2023",
  timestamp: "2026-04-23T20:22:01.786126Z",
};

export const groupStatus: TaskGroupStatus = {
  num_task_runs: 2,
  task_run_status_counts: { running: 1, completed: 1 },
  is_active: true,
  status_message: null,
  modified_at: "2026-04-23T20:22:48.037943Z",
};

export const group: TaskGroup = {
  taskgroup_id: GROUP_ID,
  metadata: {},
  created_at: "2026-04-23T20:21:40.513132Z",
  status: groupStatus,
};

export const groupRunEvent = {
  ...stateEvent,
  event_id: "123",
  run: { ...completedRun, taskgroup_id: GROUP_ID },
};

export const groupStatusEvent = {
  type: "task_group_status",
  event_id: "124-status",
  status: groupStatus,
};

export const addedRuns = {
  status: groupStatus,
  run_ids: [RUN_ID],
  run_cursor: "120",
  event_cursor: "120",
};

export const processors = {
  processors: [
    { name: "base", price_usd: 0, usual_seconds: { from: 0, to: 50 } },
    { name: "base-fast", price_usd: 0, usual_seconds: null },
  ],
};

export const evidence: RunEvidence = {
  pages: [
    {
      id: "p1",
      title: "Economy of France",
      url: "https://example.com/france.pdf",
      published_on: "2024-02-01",
      passage_count: 41,
    },
  ],
  passages: [
    {
      id: "p1.4",
      page_id: "p1",
      heading: "Growth › 2023",
      place: "p. 2",
      url: "https://example.com/france.pdf#page=2",
      text: "The economy grew by 0.9 % in 2023.",
    },
  ],
  outline: [],
  hits_total: 12,
  next_offset: null,
  previous_passage_id: "p1.3",
  next_passage_id: "p1.5",
};

/** An example of each id in a path. */
export const ids: Readonly<Record<string, string>> = { run_id: RUN_ID, taskgroup_id: GROUP_ID };
