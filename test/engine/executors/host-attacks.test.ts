import { expect, test } from "vitest";
import { hashKey } from "../../../src/http-server/hashed-keys.ts";
import { readTenants } from "../../../src/engine/tenants/tenants.ts";
import { call } from "../call-engine.ts";
import { createFolder } from "../sources/document-fixtures.ts";
import { startHostEngine } from "./start-host-engine.ts";

const QUESTION = { input: "When was the Kestrel pump introduced?", processor: "base" };
const QUOTE = "was introduced in 1987 by Orla";

type Engine = Awaited<ReturnType<typeof startHostEngine>>;

async function ask(engine: Engine, question: object = QUESTION) {
  const { body } = await call(engine, "/v1/tasks/runs", question);
  const path = `/v1/tasks/runs/${body.run_id}`;
  await call(engine, `${path}/result?timeout=30`);
  return path;
}

async function start(options: Parameters<typeof startHostEngine>[0] = {}) {
  const engine = await startHostEngine(options);
  const path = await ask(engine);
  const submit = (body: unknown) => call(engine, `${path}/answer`, body);
  const submitted = (output: unknown, citations: unknown) => submit({ output, citations });
  return { engine, path, submit, submitted };
}

const typesOf = ({ body }: Awaited<ReturnType<typeof call>>) =>
  body.error.detail.errors.map(({ type }: { type: string }) => type);

test.each([
  ["a quote of a page that the run has not seen", "A hedge of yew is cut once", "quote_absent"],
  ["another number", "was introduced in 1988 by Orla", "quote_altered"],
  ["a negation more", "was not introduced in 1987 by Orla", "quote_absent"],
  ["nothing", "", "quote_too_short"],
  ["a word", "pump", "quote_too_short"],
  ["a text of megabytes", "pump ".repeat(100_000), "quote_too_long"],
  ["an id that the run does not have", "p7.7", "unknown_passage"],
])("%s is no citation", async (_what, citation, type) => {
  const { submitted } = await start();
  const refused = await submitted("In 1987.", { output: [citation] });
  expect(refused.status).toBe(422);
  expect(typesOf(refused)).toEqual([type]);
});

test("a quote does not run on over passages that stand apart in the document", async () => {
  const between = Array.from({ length: 900 }, (_, n) => `Nothing of note happened in hall ${n}.`);
  const paragraphs = ["The Kestrel pump came.", ...between, "The Kestrel pump went."];
  const text = paragraphs.map((one, n) => `## Part ${n}\n\n${one}\n`).join("\n");
  const { submitted, submit } = await start({
    files: { "long.md": `# Halls\n\n${text}` },
  });
  const quote = "The Kestrel pump came. The Kestrel pump went.";
  expect(typesOf(await submitted("It went.", { output: [quote] }))).toEqual(["quote_absent"]);
  const own = { output: ["The Kestrel pump went."] };
  expect((await submit({ output: "It went.", citations: own })).status).toBe(200);
});

test("a quote does not run on over a heading, and does over the passages of one section", async () => {
  const long = Array.from({ length: 60 }, (_, n) => `The Kestrel pump has part ${n} of brass.`);
  const text = `# Halls\n\n## Arrival\n\nThe Kestrel pump came.\n\n## Departure\n\nThe Kestrel pump went.\n\n## Parts\n\n${long.join(" ")}`;
  const { submitted } = await start({ files: { "halls.md": text } });
  const over = "The Kestrel pump came. The Kestrel pump went.";
  expect(typesOf(await submitted("It went.", { output: [over] }))).toEqual(["quote_absent"]);
  const answered = await submitted("Of brass.", { output: [long.slice(5, 50).join(" ")] });
  expect(answered.status).toBe(200);
});

test.each([
  ["an id in brackets, as some lists show it", "[p1.1]"],
  ["an id between spaces", " p1.1 "],
])("%s is an id", async (_what, citation) => {
  const { submitted } = await start();
  expect((await submitted("In 1987.", { output: [citation] })).status).toBe(200);
});

test.each([
  ["no output", {}],
  ["a number", { output: 1987 }],
  ["a list", { output: ["1987"] }],
  ["citations that are no lists", { output: "1987", citations: { output: "p1.1" } }],
  ["citations of numbers", { output: "1987", citations: { output: [1] } }],
  ["both output and queries", { output: "1987", queries: ["pump"] }],
  ["no query", { queries: [] }],
  ["an empty query", { queries: [" "] }],
  ["four queries at once", { queries: ["a", "b", "c", "d"] }],
  ["unknown names", { output: "1987", answer: "1987" }],
  ["another thing than JSON", "pump"],
])("%s is refused, and costs no try", async (_what, body) => {
  const { engine, path, submit } = await start();
  expect((await submit(body)).status).toBe(422);
  expect((await call(engine, `${path}/answer`)).body.tries_left).toBe(3);
});

test("citations beyond all measure are refused before they are compared", async () => {
  const { submitted } = await start();
  const quotes = Array.from({ length: 5_000 }, (_, n) => `the pump that was built in hall ${n}`);
  const refused = await submitted("In 1987.", { output: quotes });
  expect(refused.status).toBe(422);
  expect(refused.body.error.message.slice(0, 200)).toContain("send at most 500 citations");
});

test("an output of megabytes is refused, costs no try, and the engine goes on", async () => {
  const { engine, path, submitted } = await start();
  const huge = await submitted("pump ".repeat(1_000_000), { output: [] });
  expect(huge.status).toBe(413);
  expect((await call(engine, `${path}/answer`)).body.tries_left).toBe(3);
  expect((await submitted("In 1987.", { output: [QUOTE] })).status).toBe(200);
});

test("only a run that waits takes an answer", async () => {
  const { engine, path, submit } = await start();
  const answer = { output: "In 1987.", citations: { output: [QUOTE] } };
  expect((await submit(answer)).status).toBe(200);
  await call(engine, `${path}/result?timeout=30`);
  const completed = await submit(answer);
  expect(completed.status).toBe(409);
  expect(completed.body.error.message).toContain("it is completed");
  expect((await call(engine, `${path}/answer`)).status).toBe(409);

  const queuing = await startHostEngine({ performsRuns: false });
  const { body } = await call(queuing, "/v1/tasks/runs", QUESTION);
  const queued = await call(queuing, `/v1/tasks/runs/${body.run_id}/answer`, answer);
  expect(queued.status).toBe(409);
  expect(queued.body.error.message).toContain("it is queued");
});

test("of an answer and a cancel that come at once, one counts", async () => {
  const { engine, path, submit } = await start();
  const [answered, cancelled] = await Promise.all([
    submit({ output: "In 1987.", citations: { output: [QUOTE] } }),
    call(engine, `${path}/cancel`, {}),
  ]);
  expect([200, 409]).toContain(answered.status);
  const { body } = await call(engine, `${path}/result?timeout=30`);
  const { status } = (await call(engine, path)).body;
  expect(["completed", "cancelled"]).toContain(status);
  if (status === "completed") expect(body.output.content).toBe("In 1987.");
  else expect(cancelled.status).toBe(200);
});

test("nobody answers the run of another tenant, or sees what it asks", async () => {
  const owner = (id: string) => ({ id, key_hashes: [hashKey(`${id}-key`)] });
  const folder = await createFolder({
    "tenants.yaml": JSON.stringify({ tenants: [owner("alice"), owner("bob")] }),
  });
  const engine = await startHostEngine({ tenants: await readTenants(`${folder}/tenants.yaml`) });
  const alice = { "x-api-key": "alice-key" };
  const bob = { "x-api-key": "bob-key" };
  const { body } = await call(engine, "/v1/tasks/runs", QUESTION, alice);
  const path = `/v1/tasks/runs/${body.run_id}`;
  await call(engine, `${path}/result?timeout=30`, undefined, alice);
  const answer = { output: "In 1987.", citations: { output: [QUOTE] } };
  expect((await call(engine, `${path}/answer`, undefined, bob)).status).toBe(404);
  expect((await call(engine, `${path}/answer`, answer, bob)).status).toBe(404);
  expect((await call(engine, `${path}/answer`, answer, alice)).status).toBe(200);
});

test("the hosted profile has no way to answer", async () => {
  const engine = await startHostEngine({ profile: "hosted" });
  const path = await ask(engine);
  expect((await call(engine, `${path}/answer`)).status).toBe(404);
  expect((await call(engine, `${path}/answer`, { output: "x" })).status).toBe(404);
});

test("a text with marks and sentences is kept as it was written", async () => {
  const { engine, path, submit } = await start();
  const output = "It came in **1987** [p1.1].\n\n- By Orla Brandt [1]\n";
  expect((await submit({ output, citations: { output: ["p1.1", QUOTE] } })).status).toBe(200);
  const { body } = await call(engine, `${path}/result?timeout=30`);
  expect(body.output.content).toBe(output);
});
