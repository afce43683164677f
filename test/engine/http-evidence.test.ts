import { expect, test } from "vitest";
import type { Engine } from "../../src/engine/engine.ts";
import type { Tenants } from "../../src/engine/tenants/tenants.ts";
import { call } from "./call-engine.ts";
import { numberedDocument, startReadingEngine } from "./reading-engine.ts";
import { textResult } from "./start-test-engine.ts";

const DOCUMENTS = [
  numberedDocument(9, "alpha", "file:///alpha.md"),
  {
    title: "A report",
    url: "file:///report.pdf",
    publishedOn: "2024-02-01",
    passages: [{ heading: "Sum", place: { unit: "page", number: 9 } as const, text: "beta." }],
  },
];

async function ask(engine: Engine, input: string): Promise<string> {
  const { body } = await call(engine, "/v1/tasks/runs", { input, processor: "base" });
  await call(engine, `/v1/tasks/runs/${body.run_id}/result?timeout=10`);
  return body.run_id;
}

async function start(input: string) {
  const engine = await startReadingEngine(DOCUMENTS, () => textResult("done"));
  const runId = await ask(engine, input);
  const read = (query: string) => call(engine, `/v1/tasks/runs/${runId}/evidence${query}`);
  return { engine, read };
}

const ids = (body: { passages: { id: string }[] }) => body.passages.map(({ id }) => id);

test("a passage is read with its neighbours, and names those to read on with", async () => {
  const { read } = await start("number4");
  const { status, body } = await read("?passage=p1.4&around=1");
  expect(status).toBe(200);
  expect(body).toEqual({
    pages: [
      {
        id: "p1",
        title: "About alpha",
        url: "file:///alpha.md",
        published_on: null,
        passage_count: 9,
      },
    ],
    passages: [3, 4, 5].map((number) => ({
      id: `p1.${number}`,
      page_id: "p1",
      heading: `Part ${number}`,
      place: null,
      url: "file:///alpha.md",
      text: `alpha number${number}.`,
    })),
    outline: [],
    hits_total: 1,
    next_offset: null,
    previous_passage_id: "p1.1",
    next_passage_id: "p1.7",
  });
  expect(ids((await read("?passage=p1.7&around=1")).body)).toEqual(["p1.6", "p1.7", "p1.8"]);
  const atTheEnd = (await read("?passage=p1.9")).body;
  expect(ids(atTheEnd)).toEqual(["p1.7", "p1.8", "p1.9"]);
  expect(atTheEnd).toMatchObject({ previous_passage_id: "p1.4", next_passage_id: null });
  const atTheStart = (await read("?passage=p1.1&around=0")).body;
  expect(ids(atTheStart)).toEqual(["p1.1"]);
  expect(atTheStart).toMatchObject({ previous_passage_id: null, next_passage_id: "p1.2" });
});

test("a page is read as its headings", async () => {
  const { read } = await start("number4");
  const { body } = await read("?page=p1");
  expect(body.pages).toMatchObject([{ id: "p1", title: "About alpha" }]);
  expect(body.outline).toHaveLength(9);
  expect(body.outline[3]).toEqual({ heading: "Part 4", passage_id: "p1.4", is_kept: true });
});

test("the hits of a run are paged in their order", async () => {
  const { read } = await start("a");
  const first = (await read("?limit=9")).body;
  expect(ids(first)).toHaveLength(9);
  expect(first).toMatchObject({ hits_total: 10, next_offset: 9 });
  const last = (await read("?offset=9")).body;
  expect(last).toMatchObject({
    passages: [{ id: "p2.1", place: "p. 9", url: "file:///report.pdf#page=9" }],
    pages: [{ id: "p2", url: "file:///report.pdf", published_on: "2024-02-01" }],
    next_offset: null,
  });
});

test("an id that the run does not have is refused with those that it has", async () => {
  const { engine, read } = await start("number4");
  const reason = async (query: string) => {
    const { status, body } = await read(query);
    expect(status).toBe(422);
    return body.error.detail.errors[0].msg;
  };
  expect(await reason("?passage=p1.10")).toBe("of page p1 the run has passages p1.1 to p1.9");
  expect(await reason("?passage=p2.1")).toBe("the run has page p1");
  expect(await reason("?page=nonsense")).toBe("the run has page p1");
  expect(await reason("?around=many&passage=p1.1")).toBe("around is a whole number, 0 to 20");
  const nothing = await ask(engine, "gamma");
  const { status, body } = await call(engine, `/v1/tasks/runs/${nothing}/evidence?page=p1`);
  expect([status, body.error.detail.errors[0].msg]).toEqual([422, "the run has kept no passages"]);
  const none = (await call(engine, `/v1/tasks/runs/${nothing}/evidence`)).body;
  expect(none).toMatchObject({ passages: [], hits_total: 0, next_offset: null });
});

test("of a large page the refusal names what is kept", async () => {
  const documents = [numberedDocument(1_000, "alpha", "file:///alpha.md")];
  const engine = await startReadingEngine(documents, () => textResult("done"));
  const runId = await ask(engine, "number501.");
  const { body } = await call(engine, `/v1/tasks/runs/${runId}/evidence?passage=p1.1`);
  expect(body.error.detail.errors[0].msg).toMatch(
    /^of page p1 the run has kept what is near its hits: passages p1\.4\d\d to p1\.5\d\d$/,
  );
  const { outline } = (await call(engine, `/v1/tasks/runs/${runId}/evidence?page=p1`)).body;
  expect(outline[0]).toMatchObject({ passage_id: "p1.1", is_kept: false });
});

test("a run of another tenant has no evidence to read", async () => {
  const tenants: Tenants = {
    find: (key) => (key ? { id: key, budgetUsd: null, createsPerMinute: null } : undefined),
  };
  const engine = await startReadingEngine(DOCUMENTS, () => textResult("done"), { tenants });
  const { body } = await call(
    engine,
    "/v1/tasks/runs",
    { input: "alpha", processor: "base" },
    { "x-api-key": "key-a" },
  );
  const path = `/v1/tasks/runs/${body.run_id}/evidence`;
  expect((await call(engine, path, undefined, { "x-api-key": "key-b" })).status).toBe(404);
  expect((await call(engine, path, undefined, { "x-api-key": "key-a" })).status).toBe(200);
});

test("the hosted profile has no evidence", async () => {
  const engine = await startReadingEngine(DOCUMENTS, () => textResult("done"), {
    profile: "hosted",
  });
  const runId = await ask(engine, "alpha");
  expect((await call(engine, `/v1/tasks/runs/${runId}/evidence`)).status).toBe(404);
});
