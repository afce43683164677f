import { z } from "zod";
import { checkTaskSpec } from "../../task-api/schema/output-schema-rules.ts";
import { AddRunsEnvelope } from "../../task-api/task-group.ts";
import { type TaskSpec, isJsonObject } from "../../task-api/task-spec.ts";
import { type FieldProblem, problemsOf } from "./api-error.ts";

/** The inputs of a request, each with its path in the body, and the problems of the rest of the body. */
export interface GroupInputs {
  values: { value: unknown; loc: (string | number)[] }[];
  problems: FieldProblem[];
}

/** Reads the inputs even if the body has other problems, so that one answer can list all problems together. */
const SomeInputs = z.looseObject({ inputs: AddRunsEnvelope.shape.inputs });

/**
 * Reads the body of an add-runs request and gives `default_task_spec` to the inputs that have no task spec. One that
 * cannot be used is a problem of its own, not of each input. Source: Task API, 10.3.
 */
export function readGroupInputs(body: unknown): GroupInputs {
  const envelope = AddRunsEnvelope.safeParse(body);
  if (!envelope.success) {
    const some = SomeInputs.safeParse(body);
    return {
      values: placed(some.success ? some.data.inputs : []),
      problems: problemsOf(envelope.error, ["body"]),
    };
  }
  const { inputs, default_task_spec: spec } = envelope.data;
  if (spec === null || spec === undefined) return { values: placed(inputs), problems: [] };
  const problems = checkDefaultSpec(spec);
  if (problems.length > 0) return { values: placed(inputs), problems };
  return { values: placed(inputs.map((input) => withDefaultSpec(input, spec))), problems: [] };
}

function placed(inputs: readonly unknown[]): GroupInputs["values"] {
  return inputs.map((value, index) => ({ value, loc: ["body", "inputs", index] }));
}

function withDefaultSpec(input: unknown, spec: TaskSpec): unknown {
  if (!isJsonObject(input) || (input["task_spec"] ?? null) !== null) return input;
  return { ...input, task_spec: spec };
}

function checkDefaultSpec(spec: TaskSpec): FieldProblem[] {
  // Only the spec is checked here, so the input is left empty.
  const { errors } = checkTaskSpec({ input: "", processor: "", task_spec: spec });
  return errors.map(({ pointer, message }) => ({
    type: "spec_invalid",
    loc: ["body", "default_task_spec", ...pointer.split("/").slice(2)],
    msg: message,
  }));
}
