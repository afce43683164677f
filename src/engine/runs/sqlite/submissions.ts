import { sql } from "kysely";
import { z } from "zod";
import type { Database } from "../../../database/open-database.ts";
import { RunOutput } from "../../../task-api/output.ts";
import { jsonText } from "../../../text/json.ts";
import type { SubmissionStore } from "../submissions.ts";
import type { Commit, Write } from "./commit.ts";
import { findRun } from "./read-runs.ts";
import { endingColumns, moveRun } from "./transitions.ts";

const Queries = z.array(z.string());

export function createSubmissionStore(db: Database, commit: Commit): SubmissionStore {
  return {
    async find(runId) {
      const row = await db
        .selectFrom("run_submissions")
        .innerJoin("runs", "runs.run_id", "run_submissions.run_id")
        .select(["refused", "queries", "shown", "run_submissions.output", "action_until"])
        .where("run_submissions.run_id", "=", runId)
        .executeTakeFirst();
      if (row === undefined) return undefined;
      return {
        refused: row.refused,
        shown: row.shown,
        queries: Queries.parse(JSON.parse(row.queries)),
        output: row.output === null ? null : RunOutput.parse(JSON.parse(row.output)),
        untilMs: row.action_until,
      };
    },

    submit: (runId, submitted) =>
      commit(async (write) => {
        const asked = await write.trx
          .selectFrom("run_submissions")
          .select("queries")
          .where("run_id", "=", runId)
          .executeTakeFirst();
        if (asked === undefined) return false;
        const run = await findRun(write.trx, runId);
        const set = endingColumns({ warnings: run?.warnings.slice(0, -1) ?? [] });
        const isTaken = await moveRun(write, runId, {
          from: ["action_required"],
          to: "queued",
          set,
        });
        if (!isTaken) return false;
        const update = write.trx.updateTable("run_submissions").where("run_id", "=", runId);
        if ("output" in submitted) {
          await update.set({ output: jsonText(submitted.output) }).execute();
          return true;
        }
        const all = [...Queries.parse(JSON.parse(asked.queries)), ...submitted.queries];
        await update.set({ queries: jsonText(all), shown: submitted.shown }).execute();
        return true;
      }),

    refuse: (runId, { max, error }) =>
      commit(async (write) => {
        const row = await write.trx
          .updateTable("run_submissions")
          .set({ refused: sql`refused + 1` })
          .where("run_id", "=", runId)
          .where(({ exists, selectFrom }) =>
            exists(
              selectFrom("runs")
                .select("run_id")
                .where("run_id", "=", runId)
                .where("status", "=", "action_required"),
            ),
          )
          .returning("refused")
          .executeTakeFirst();
        if (row === undefined) return undefined;
        if (row.refused >= max) {
          const set = endingColumns({ error });
          await moveRun(write, runId, { from: ["action_required"], to: "failed", set });
        }
        return row.refused;
      }),
  };
}

/** Notes that a run asks for an answer that {@link SubmissionStore} takes. */
export async function expectSubmission({ trx }: Write, runId: string): Promise<void> {
  await trx
    .insertInto("run_submissions")
    .values({ run_id: runId, output: null })
    .onConflict((conflict) => conflict.doNothing())
    .execute();
}
