import type { Tool } from "./tool.ts";
import { cancelTaskGroup } from "./tools/cancel-task-group.ts";
import { cancelTaskRun } from "./tools/cancel-task-run.ts";
import { createTaskGroup } from "./tools/create-task-group.ts";
import { createTaskRun } from "./tools/create-task-run.ts";
import { getTaskGroup } from "./tools/get-task-group.ts";
import { getTaskRun } from "./tools/get-task-run.ts";
import { submitTaskAnswer } from "./tools/submit-task-answer.ts";
import { listTaskRuns } from "./tools/list-task-runs.ts";

/** The order in which a model reads them. */
export const TOOLS: readonly Tool[] = [
  createTaskRun,
  getTaskRun,
  submitTaskAnswer,
  cancelTaskRun,
  listTaskRuns,
  createTaskGroup,
  getTaskGroup,
  cancelTaskGroup,
];
