import { expect, test } from "vitest";
import { deferred, startTestEngine, textResult } from "../engine/start-test-engine.ts";
import { backendOf, connect } from "./connect.ts";

/** Runs fail or end by their question; `sent` counts the runs that the backend was asked for. */
async function asking() {
  const held = deferred();
  const engine = await startTestEngine(async ({ input }) => {
    if (input.input === "bad") throw new Error("no luck");
    if (input.input === "slow") await held.promise;
    return textResult("the answer");
  });
  let sent = 0;
  const backend = await backendOf((request) => {
    const { pathname } = new URL(request.url);
    if (request.method === "POST" && pathname.endsWith("/runs")) sent += 1;
    return engine.fetch(request);
  }, "custom");
  const client = await connect(async () => backend, { budgetUsdPerDay: 5 });
  return { client, sent: () => sent, release: held.resolve };
}

test("the same question asked again names the run that has the answer, and starts all the same", async () => {
  const { client, sent } = await asking();
  const first = await client.call("create_task_run", { input: "Why?", wait_seconds: 30 });
  const again = await client.call("create_task_run", { input: "Why?" });
  expect(again.report.run_id).not.toBe(first.report.run_id);
  expect(again.report.notes).toEqual([
    `The same question is answered already: ${first.report.run_id} (completed just now).`,
  ]);
  // Another processor, or another question, is another request.
  const other = await client.call("create_task_run", { input: "Why?", processor: "pro" });
  expect(other.report.notes ?? []).toEqual([]);
  expect(sent()).toBe(3);
});

test("one that is being answered is named too; one that failed is not, though nobody has looked yet", async () => {
  const { client, release } = await asking();
  const slow = await client.call("create_task_run", { input: "slow" });
  const again = await client.call("create_task_run", { input: "slow" });
  expect(again.report.notes).toEqual([
    expect.stringMatching(
      new RegExp(
        `^The same question is being answered: ${slow.report.run_id} \\((queued|running), started just now\\)\\.$`,
      ),
    ),
  ]);
  release();
  const bad = await client.call("create_task_run", { input: "bad", wait_seconds: 30 });
  expect(bad.report.status).toBe("failed");
  expect((await client.call("create_task_run", { input: "bad" })).report.notes ?? []).toEqual([]);
});

test("refuse_duplicate refuses before anything is sent, in dry runs too", async () => {
  const { client, sent } = await asking();
  const { report } = await client.call("create_task_run", { input: "Why?", wait_seconds: 30 });
  const args = { input: "Why?", refuse_duplicate: true };
  for (const dry_run of [true, false]) {
    const refused = await client.call("create_task_run", { ...args, dry_run });
    expect(refused.isError).toBe(true);
    expect(refused.text).toContain(
      `The same question is answered already: ${report.run_id} (completed just now). No run was started.`,
    );
  }
  expect(sent()).toBe(1);
  await client.call("create_task_group", { inputs: ["Why?"], wait_seconds: 30 });
  const group = { inputs: ["How?", "Why?"], refuse_duplicate: true };
  const refused = await client.call("create_task_group", group);
  expect(refused.text).toContain("1 of 2 inputs were asked already: input 2: trun_");
  expect(sent()).toBe(2);
  const dry = await client.call("create_task_run", { input: "Why?", dry_run: true });
  expect(dry.report.notes?.[0]).toContain("The same question is answered already:");
  // What was not asked yet starts.
  const fresh = await client.call("create_task_run", { ...args, input: "How?" });
  expect(fresh.isError).toBe(false);
});

test("a group names how many of its inputs were asked before, and the first of them", async () => {
  const { client } = await asking();
  const inputs = ["a", "b", "c", "d", "e"];
  const first = await client.call("create_task_group", {
    inputs,
    idempotency_key: "g",
    wait_seconds: 30,
  });
  expect(first.report.notes ?? []).toEqual([]);
  const more = await client.call("create_task_group", { inputs: ["x", ...inputs] });
  expect(more.report.notes).toEqual([
    expect.stringMatching(
      /^5 of 6 inputs were asked already: input 2: trun_\w+ \(completed .*; input 3: .*; input 4: [^;]*; \.\.\.\.$/,
    ),
  ]);
  // The same key is the same group, which is no repetition.
  const same = await client.call("create_task_group", { inputs, idempotency_key: "g" });
  expect(same.report.notes ?? []).toEqual([]);
});

test("the same key is told once, as the run it stands for", async () => {
  const { client } = await asking();
  const args = { input: "Why?", idempotency_key: "k", wait_seconds: 30 };
  const first = await client.call("create_task_run", args);
  const dry = await client.call("create_task_run", { ...args, dry_run: true });
  expect(dry.report.summary).toContain(
    `The idempotency_key stands for ${first.report.run_id} (completed just now): the call returns that run and starts none.`,
  );
  expect(dry.report.notes ?? []).toEqual([]);
  expect(dry.report.next_step).toBe("Make the same call without dry_run to do that.");
  const again = await client.call("create_task_run", { ...args, refuse_duplicate: true });
  expect(again.report.run_id).toBe(first.report.run_id);
  expect(again.text).not.toContain("The same question");
  const conflict = { ...args, input: "How?" };
  for (const dry_run of [true, false]) {
    const { text } = await client.call("create_task_run", { ...conflict, dry_run });
    expect(text).toContain(`the key belongs to another request (run ${first.report.run_id})`);
  }
  const group = { inputs: ["1", "2"], idempotency_key: "g" };
  const { report } = await client.call("create_task_group", group);
  const dryGroup = await client.call("create_task_group", { ...group, dry_run: true });
  expect(dryGroup.report.summary).toContain(`stands for group ${report.taskgroup_id}`);
  const other = { ...group, inputs: ["3"], dry_run: true };
  expect((await client.call("create_task_group", other)).text).toContain("another request (group");
});

test("a follow-up names the run it follows, and an unknown one is refused in a dry run", async () => {
  const { client } = await asking();
  const first = await client.call("create_task_run", { input: "Why?", wait_seconds: 30 });
  // The engine's interaction ids are not told when they equal the run id.
  const previous_interaction_id = first.report.interaction_id ?? first.report.run_id;
  for (const dry_run of [true, false]) {
    const { report } = await client.call("create_task_run", {
      input: "And then?",
      previous_interaction_id,
      dry_run,
    });
    expect(report.notes).toEqual([`A follow-up of ${first.report.run_id}.`]);
  }
  const unknown = await client.call("create_task_run", {
    input: "And then?",
    previous_interaction_id: "trun_none",
    dry_run: true,
  });
  expect(unknown.isError).toBe(true);
  expect(unknown.text).toContain("previous_interaction_id");
});

test("a backend that cannot be asked may refuse an interaction that is not known here: a dry run says so", async () => {
  const engine = await startTestEngine(async () => textResult("Yes."), { profile: "hosted" });
  const backend = await backendOf(engine.fetch, "hosted");
  const client = await connect(async () => backend);
  const { report } = await client.call("create_task_run", {
    input: "And then?",
    previous_interaction_id: "trun_none",
    dry_run: true,
  });
  expect(report.notes).toEqual([
    "previous_interaction_id: no run started here has it; the backend may refuse it.",
  ]);
});

test("a dry run gives the sum, and what is left of the day", async () => {
  const { client } = await asking();
  const summary = async (tool: string, args: Record<string, unknown>) =>
    (await client.call(tool, { ...args, dry_run: true })).report.summary;
  await client.call("create_task_run", { input: "Why?", processor: "ultra" });
  expect(await summary("create_task_run", { input: "How?", processor: "pro" })).toMatch(
    /It costs \$0\.1 when it completes .*\. \$4\.7 of today's \$5 are left\.$/,
  );
  const inputs = Array.from({ length: 12 }, (_, index) => `question ${index}`);
  expect(await summary("create_task_group", { inputs })).toContain("12 runs × $0.01 = $0.12 when");
  const mixed = [
    ...inputs.slice(0, 8),
    ...inputs.slice(8).map((input) => ({ input, processor: "pro" })),
  ];
  expect(await summary("create_task_group", { inputs: mixed })).toContain(
    "8 × $0.01 + 4 × $0.1 = $0.48 when",
  );
  const dear = { inputs: Array.from({ length: 48 }, () => "x"), processor: "pro", dry_run: true };
  expect((await client.call("create_task_group", dear)).text).toContain(
    "This would cost $4.8, and $0.3 of today's budget of $5 are spent.",
  );
});
