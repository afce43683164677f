// Judges the fields that an executor fills: right, wrong, or empty. The schemas and the right values are in fields.json;
// do not tune for those of the set `held_out`.
import { readFile } from "node:fs/promises";
import { z } from "zod";
import { isJsonObject, JsonObject } from "../../src/task-api/task-spec.ts";
import type { Figure } from "../figures.ts";
import type { Reader } from "./ask.ts";

/** A task for an output of fields, and what the documents say. */
const FieldTask = z.object({
  set: z.enum(["tuning", "held_out"]),
  /** `invented` and `examples` are of the project, the others of packages. */
  documents: z.enum(["invented", "examples", "npm", "debian"]),
  input: z.union([z.string(), JsonObject]),
  properties: JsonObject,
  /**
   * The right output. Null: the documents do not say. `anyOf`: several values are right; `contains` and `length`: some
   * records of a long list, and how many it has.
   */
  right: JsonObject,
});
type FieldTask = z.infer<typeof FieldTask>;

async function readFieldTasks(): Promise<FieldTask[]> {
  const file = new URL("fields.json", import.meta.url);
  return z.array(FieldTask).parse(JSON.parse(await readFile(file, "utf8")));
}

/** Runs the tasks on these documents; the figures are of `fields, tuning` and `fields, held-out`. */
export async function measureFields(
  documents: FieldTask["documents"],
  reader: Reader,
): Promise<Figure[]> {
  const tasks = (await readFieldTasks()).filter((task) => task.documents === documents);
  const figures: Figure[] = [];
  for (const set of ["tuning", "held_out"]) {
    const judged: JudgedField[] = [];
    for (const { input, properties, right } of tasks.filter((task) => task.set === set)) {
      const output = await reader.run({
        input,
        processor: "core",
        task_spec: {
          output_schema: { type: "json", json_schema: { type: "object", properties } },
        },
      });
      judged.push(...judgeFields(right, output.content));
    }
    const count = (outcome: JudgedField["outcome"]) =>
      judged.filter((one) => one.outcome === outcome).length;
    const on = `${documents}, ${set.replace("_", "-")}`;
    figures.push(
      { figure: "fields: right", on, value: count("right"), unit: "" },
      { figure: "fields: wrong", on, value: count("wrong"), unit: "" },
      { figure: "fields: empty, though the documents say it", on, value: count("empty"), unit: "" },
      { figure: "fields: rightly empty", on, value: count("rightly empty"), unit: "" },
    );
  }
  return figures;
}

/** One value of an output, or one that is missing. */
interface JudgedField {
  path: string;
  outcome: "right" | "wrong" | "empty" | "rightly empty";
  got: unknown;
  right: unknown;
}

/** Compares an output with the right one, value by value. */
function judgeFields(right: unknown, got: unknown, path = ""): JudgedField[] {
  if (isJsonObject(right) && Array.isArray(right["contains"])) {
    const length = z.number().parse(right["length"]);
    const records = Array.isArray(got) ? got : [];
    const judged = judgeList(right["contains"], records, path);
    const isWhole = records.length === 0 || records.length === length;
    return isWhole ? judged : [...judged, judge(`${path}.length`, length, records.length)];
  }
  if (isJsonObject(right) && !Array.isArray(right["anyOf"])) {
    const values = isJsonObject(got) ? got : {};
    return Object.entries(right).flatMap(([name, value]) =>
      judgeFields(value, values[name], path === "" ? name : `${path}.${name}`),
    );
  }
  if (Array.isArray(right) && right.some(isJsonObject)) {
    const records = Array.isArray(got) ? got : [];
    const surplus = records.length - right.length;
    const judged = judgeList(right, records, path);
    return surplus > 0
      ? [...judged, judge(`${path}.length`, right.length, records.length)]
      : judged;
  }
  return [judge(path, right, got)];
}

/** Each record with the one that has most of its values. */
function judgeList(right: readonly unknown[], got: readonly unknown[], path: string) {
  return right.flatMap((record, index) => {
    const judgements = got.map((one) => judgeFields(record, one, `${path}.${index}`));
    const count = (judged: readonly JudgedField[]) =>
      judged.filter(({ outcome }) => outcome === "right").length;
    const [best] = judgements.toSorted((a, b) => count(b) - count(a));
    return best !== undefined && count(best) > 0
      ? best
      : judgeFields(record, undefined, `${path}.${index}`);
  });
}

function judge(path: string, right: unknown, got: unknown): JudgedField {
  const isEmpty =
    got === null || got === undefined || got === "" || (Array.isArray(got) && got.length === 0);
  const accepted: unknown[] =
    isJsonObject(right) && Array.isArray(right["anyOf"]) ? right["anyOf"] : [right];
  const isRight = accepted.some((one) => fold(one) === fold(isEmpty ? null : got));
  const outcome = isEmpty ? (isRight ? "rightly empty" : "empty") : isRight ? "right" : "wrong";
  return { path, outcome, got, right };
}

/** Case and the order of a list do not matter. */
function fold(value: unknown): string {
  const text = (one: unknown) =>
    typeof one === "string" ? one.toLowerCase() : JSON.stringify(one);
  return Array.isArray(value) ? JSON.stringify(value.map(text).toSorted()) : text(value);
}
