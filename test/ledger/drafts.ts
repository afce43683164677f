import type { StartRunRequest, RunObservation } from "../../src/ledger/ledger.ts";
import type { LedgerScope } from "../../src/ledger/scope.ts";
import type { TaskRun } from "../../src/task-api/run.ts";

export const NOON = Date.parse("2026-11-24T12:00:00.000Z");

export const account: LedgerScope = {
  backend: "https://api.example.com",
  keyFingerprint: "0123456789abcdef",
  principal: null,
};

export function draft(question: string, rest: Partial<StartRunRequest> = {}): StartRunRequest {
  return {
    input: { input: question, processor: "base" },
    priceUsd: 0.01,
    idempotencyKey: null,
    ...rest,
  };
}

export function taskRun(runId: string, rest: Partial<TaskRun> = {}): TaskRun {
  return { run_id: runId, status: "queued", is_active: true, processor: "base", ...rest };
}

export function look(
  run: TaskRun,
  rest: Partial<Omit<RunObservation, "run">> = {},
): RunObservation {
  return { run, output: null, percent: null, messages: [], ...rest };
}

export const textOutput = (content: string): RunObservation["output"] => ({
  type: "text",
  content,
  basis: [],
});
