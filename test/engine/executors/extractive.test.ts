import { rm } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { ExecutionFailed, type Attempt } from "../../../src/engine/executors/executor.ts";
import { createExtractiveExecutor } from "../../../src/engine/executors/extractive/extractive-executor.ts";
import { DocumentFolderUnusable } from "../../../src/engine/sources/folder/document-folder.ts";
import { RunOutput } from "../../../src/task-api/output.ts";
import type { SourcePolicy } from "../../../src/task-api/run-input.ts";
import type { ProgressEvent } from "../../../src/task-api/run-event.ts";
import { createDatabase, createFolder, createLog } from "../sources/document-fixtures.ts";
import { type Ask, bestQuote, createAsk, EXAMPLES, quotesOf } from "./run-extractive.ts";

describe("over the example documents", () => {
  let askExamples: Ask;

  beforeAll(async () => {
    askExamples = await createAsk();
  });

  test.each([
    ["What was the GDP of France in 2023?", /2023.*France.*\$3\.05 trillion/],
    ["What was the GDP of France in 2022?", /2022.*\$2\.80 trillion/],
    ["What was the GDP of France in 2021?", /2021.*\$2\.97 trillion/],
    ["What was the GDP of Germany in 2023?", /Germany.*\$4\.53 trillion/],
    ["what was the gdp of germany in 2021?", /2021.*\$4\.35 trillion/],
    ["WHAT WAS THE GDP OF FRANCE IN 2023?", /2023.*France.*\$3\.05 trillion/],
    ["GDP of the UK in 2022", /2022.*\$3\.11 trillion/],
    ["What is the capital of Spain?", /Country: Spain.*Capital: Madrid/],
    ["When was the UN founded?", /24 October 1945/],
    ["When was WHO founded?", /7 April 1948/],
    ["When was CERN established?", /29 September 1954/],
    ["When did NATO start?", /4 April 1949/],
    ["When did Sweden join NATO?", /Sweden joined on 7 March 2024/],
    ["When was the European Space Agency created?", /30 May 1975/],
    ["How high is Mount Everest?", /8,848\.86 metres/],
    ["How high was Mont Blanc in 2021?", /4,807\.81 metres in 2021/],
    ["What is the speed of light?", /299,792,458 metres per second/],
    ["What is the diameter of Jupiter?", /Jupiter.*142,984 km/],
    ["What is the atomic number of gold?", /Gold.*Atomic number: 79/],
    ["Is Pluto a planet?", /Pluto is a dwarf planet/],
  ])("%s", async (question, answer) => {
    expect(bestQuote(await askExamples(question))).toMatch(answer);
  });

  test.each([
    "Who won the 1998 football world cup?",
    "What is the capital of Atlantis?",
    "what is the capital of atlantis",
    "GDP of Wakanda in 2023",
    "gdp of wakanda in 2023",
    "GDP of Portugal in 2023",
    "What was the GDP of France in 1998?",
    "When was UNESCO founded?",
    "When did Norway join NATO?",
    "How high is Kilimanjaro?",
    "What is the speed of sound?",
    "What is the atomic number of silver?",
    "Who is the president of France?",
    "What is the best pizza recipe?",
    "法国2023年的国内生产总值是多少？",
    "Wie hoch war das BIP von Frankreich 2023?",
    "What is it?",
    "?!",
  ])("%s is refused", async (question) => {
    const { output, warnings } = await askExamples(question);
    expect(output).toMatchObject({
      type: "text",
      content: expect.stringMatching(
        /^The documents contain no answer to this question\. 16 documents were searched/,
      ),
      basis: [{ field: "output", citations: [], confidence: "low" }],
    });
    expect(warnings.map((warning) => warning.message)).toContainEqual(
      expect.stringContaining("no answer"),
    );
  });

  test("a paraphrase without shared words is refused or answered rightly, never wrongly", async () => {
    for (const question of [
      "How large was French economic output in 2023?",
      "How many people live in Germany?",
      "Which state had the biggest economy of the EU in 2023?",
    ]) {
      const quote = bestQuote(await askExamples(question));
      if (quote !== "")
        expect(quote).toMatch(/France.*3\.05|Germany.*(?:83\.3 million|4\.53|largest)/);
    }
  });

  test("the answer quotes a document verbatim, cites its address, and says that no model was used", async () => {
    const { output, warnings } = await askExamples("What was the GDP of France in 2023?");
    expect(RunOutput.parse(output)).toEqual(output);
    const sentence =
      "In 2023 the gross domestic product (GDP) of France was about $3.05 trillion in current US dollars.";
    const url = "https://data.worldbank.org/indicator/NY.GDP.MKTP.CD?locations=FR";
    expect(output.content).toMatch(/^"In 2023 .* US dollars\." \[1\]\n/);
    expect(output.content).toContain(`- [1] GDP of France: <${url}>`);
    expect(output.basis).toEqual([
      {
        field: "output",
        reasoning: expect.stringMatching(/^extractive: .*no model was used/),
        citations: expect.arrayContaining([
          { url, title: "GDP of France", excerpts: expect.arrayContaining([sentence]) },
        ]),
        confidence: "low",
      },
    ]);
    expect(warnings).toEqual([
      { type: "warning", message: expect.stringMatching(/^No model was used/) },
    ]);
  });

  test("an input object is a question, with the description of the output", async () => {
    const result = await askExamples(
      { country: "Italy", year: 2022 },
      { task_spec: { output_schema: "The GDP of the country in that year" } },
    );
    expect(bestQuote(result)).toMatch(/2022.*\$2\.10 trillion/);
  });

  test("a question of 20,000 characters is answered", async () => {
    const filler = "please consider every aspect that might perhaps be relevant to this matter; ";
    const question = `What was the GDP of France in 2023? ${filler.repeat(270)}`;
    expect(question.length).toBeGreaterThan(20_000);
    expect(bestQuote(await askExamples(question))).toMatch(/France.*\$3\.05 trillion/);
  });

  test.each([
    '"',
    "*",
    "NEAR(",
    '-France "GDP',
    "title:GDP OR *",
    "(((",
    "GDP AND NOT",
    "\0GDP",
    "\ud800",
  ])("%j is only text", async (attack) => {
    await expect(askExamples(attack)).resolves.toHaveProperty("output");
    expect(
      bestQuote(await askExamples(`${attack.toLowerCase()} What was the GDP of France in 2023?`)),
    ).toMatch(/3\.05/);
  });

  test("a higher processor reads more and quotes more, and -fast is the same as its base", async () => {
    const read = async (processor: string) => {
      const result = await askExamples("GDP in 2023", { processor });
      const stats = result.events.findLast((event) => event.type === "task_run.progress_stats");
      const quotes = quotesOf(result).match(/" \[\d\]/g)?.length;
      return { read: stats?.source_stats?.num_sources_read, quotes };
    };
    const lite = await read("lite");
    expect(lite).toEqual({ read: 3, quotes: 1 });
    expect(await read("lite-fast")).toEqual(lite);
    expect(await read("base")).toEqual({ read: 5, quotes: 2 });
    expect(await read("nobody-knows")).toEqual(await read("base"));
    const ultra = await read("ultra");
    expect(ultra.quotes).toBe(5);
    expect(ultra.read).toBeGreaterThan(5);
  });

  test("the source policy limits what is quoted", async () => {
    const question = "When was the World Health Organization founded?";
    const allowed = await askExamples(question, {
      source_policy: { include_domains: ["who.int"] },
    });
    expect(bestQuote(allowed)).toMatch(/7 April 1948/);
    const excluded = await askExamples(question, { source_policy: { exclude_domains: [".int"] } });
    expect(quotesOf(excluded)).toMatch(/no answer.* 13 documents were searched/);
    const nothing = await askExamples(question, {
      source_policy: { include_domains: ["nowhere.example"] },
    });
    expect(quotesOf(nothing)).toMatch(/no document to search/);
  });

  test("a policy that names no document is told, with names that there are", async () => {
    const ask = await createAsk({
      "handbook/leave.md": "Parents have 14 weeks of leave.",
      "handbook/travel.md": "Trains are booked by the office.",
      "web.md": "---\nurl: https://www.example.org/a\n---\nTravel is paid by the client.",
    });
    const warningOf = async (source_policy: SourcePolicy) => {
      const { warnings } = await ask("How many weeks of leave do parents have?", { source_policy });
      return warnings
        .map(({ message }) => message)
        .filter((text) => text.startsWith("source_policy"));
    };
    const known = "documents are from: handbook/, example.org";
    expect(await warningOf({ include_domains: ["handbook/", "example.org"] })).toEqual([]);
    expect(await warningOf({ exclude_domains: ["hand"] })).toEqual([
      `source_policy: no document is from hand; ${known}`,
    ]);
    expect(await warningOf({ include_domains: ["handbook", "a.org", "b.org"] })).toEqual([
      `source_policy: no document is from a.org or b.org; ${known}`,
    ]);
    expect(await warningOf({ include_domains: ["a.org"] })).toEqual([
      `source_policy: no document is from a.org, so that nothing would be searched; ${known}`,
    ]);
    expect(await warningOf({ exclude_domains: ["handbook", "example.org"] })).toEqual([
      "source_policy: it leaves no document to search",
    ]);
    expect(await warningOf({ after_date: "2024-01-01" })).toEqual([
      "source_policy: it leaves no document to search; after_date leaves out documents without a date",
    ]);
  });

  test("the source policy may name folders and files", async () => {
    const ask = await createAsk({
      "HR rules/leave.md": "Parents have 14 weeks of leave.",
      "old/leave.md": "Parents have 10 weeks of leave.",
    });
    const weeks = async (source_policy: SourcePolicy) =>
      /\d+ weeks/.exec(
        bestQuote(await ask("How many weeks of leave do parents have?", { source_policy })),
      )?.[0];
    expect(await weeks({ include_domains: ["old"] })).toBe("10 weeks");
    expect(await weeks({ include_domains: ["HR Rules/leave.md"] })).toBe("14 weeks");
    expect(await weeks({ exclude_domains: ["HR rules/"] })).toBe("10 weeks");
  });

  test("progress tells each step, with true counts and a meter that rises and stays below 100", async () => {
    const ask = await createAsk();
    const { events } = await ask("What was the GDP of France in 2023?", { processor: "ultra" });
    const kinds = [...new Set(events.map((event) => event.type))];
    expect(kinds).toEqual([
      "task_run.progress_msg.exec_status",
      "task_run.progress_msg.plan",
      "task_run.progress_msg.search",
      "task_run.progress_stats",
      "task_run.progress_msg.result",
    ]);
    const messages = events.flatMap((event) => ("message" in event ? [event.message] : []));
    expect(messages).toEqual([
      "Starting research",
      `Indexing the documents of ${EXAMPLES}`,
      "Indexed 16 documents (16 read)",
      expect.stringContaining("Search 16 documents"),
      "Query: What was the GDP of France in 2023?",
      expect.stringMatching(/^Quoting \d sentences? of \d documents?$/),
    ]);

    const stats = events.filter((event) => event.type === "task_run.progress_stats");
    const meters = stats.map((event) => event.progress_meter ?? Number.NaN);
    expect(meters).toEqual(meters.toSorted((a, b) => a - b));
    expect(meters.at(-1)).toBeLessThan(100);
    const counts = stats.map((event) => event.source_stats?.num_sources_read ?? Number.NaN);
    expect(counts).toEqual([...new Set(counts)].toSorted((a, b) => a - b));
    const last = stats.at(-1)?.source_stats;
    expect(last?.num_sources_considered).toBe(last?.num_sources_read);
    expect(last?.sources_read_sample).toContain("https://home.cern/about/who-we-are/our-history");
  });

  test("the second run reads no file again", async () => {
    const ask = await createAsk();
    await ask("What is the speed of light?");
    const { events } = await ask("What is the speed of light?");
    expect(events).toContainEqual({
      type: "task_run.progress_msg.exec_status",
      message: "Indexed 16 documents (0 read)",
    });
  });
});

test("a document without an address is cited by its file", async () => {
  const folder = await createFolder({ "river.md": "The river Zorn is 97 kilometres long.\n" });
  const ask = await createAsk(folder);
  const { output } = await ask("How long is the river Zorn?");
  expect(output.basis[0]?.citations).toEqual([
    {
      url: pathToFileURL(join(folder, "river.md")).href,
      title: "river",
      excerpts: ["The river Zorn is 97 kilometres long."],
    },
  ]);
});

test("the same sentence in two documents is quoted once", async () => {
  const text = "The river Zorn is 97 kilometres long.\n";
  const ask = await createAsk({ "a.md": text, "b.md": text });
  expect(quotesOf(await ask("How long is the river Zorn?")).match(/97/g)).toHaveLength(1);
});

test("a text without spaces between words is found and quoted", async () => {
  const ask = await createAsk({
    "a.md": "法国是欧洲国家。2023年法国的国内生产总值约为3.05万亿美元。",
    "b.md": "2023年德国的国内生产总值约为4.53万亿美元。",
  });
  expect(bestQuote(await ask("法国2023年的国内生产总值是多少？"))).toMatch(/3\.05/);
});

test("an empty folder is answered honestly", async () => {
  const ask = await createAsk({});
  expect(quotesOf(await ask("What is this?"))).toMatch(
    /no document to search: the folder is empty/,
  );
});

describe("a folder that cannot be used", () => {
  test("is refused at the start, with its path and what to do", async () => {
    const { db } = await createDatabase();
    const folder = await createFolder({ "file.md": "text" });
    const { log } = createLog();
    for (const [path, problem] of [
      [join(folder, "missing"), "does not exist"],
      [join(folder, "file.md"), "is not a folder"],
    ] as const) {
      const creating = createExtractiveExecutor({ db, folders: [path], log });
      await expect(creating).rejects.toBeInstanceOf(DocumentFolderUnusable);
      await expect(creating).rejects.toThrow(
        `The document folder ${path} ${problem}. Create it as a readable folder, or point to another one.`,
      );
    }
  });

  test("fails the run when it vanished after the start", async () => {
    const folder = await createFolder({ "a.md": "text" });
    const ask = await createAsk(folder);
    await rm(folder, { recursive: true });
    const run = ask("anything");
    await expect(run).rejects.toBeInstanceOf(ExecutionFailed);
    await expect(run).rejects.toThrow(`The document folder ${folder} does not exist.`);
  });
});

describe("cancelling", () => {
  test.each([
    "task_run.progress_msg.exec_status",
    "task_run.progress_msg.search",
    "task_run.progress_stats",
  ])("stops at the next step after %s", async (type) => {
    const { db } = await createDatabase();
    const executor = await createExtractiveExecutor({
      db,
      folders: [EXAMPLES],
      log: createLog().log,
    });
    const controller = new AbortController();
    const cause = new Error("cancelled by test");
    const events: ProgressEvent[] = [];
    const run = executor.execute({
      runId: "trun_test",
      createdMs: Date.now(),
      input: { input: "GDP in 2023", processor: "ultra" },
      previous: [],
      signal: controller.signal,
      report: async (event) => {
        events.push(event);
        if (event.type === type) controller.abort(cause);
      },
    });
    await expect(run).rejects.toBe(cause);
    expect(events.filter((event) => event.type === type)).toHaveLength(1);
  });
});

test("the key names the real folder, however it was written", async () => {
  const { db } = await createDatabase();
  const { log } = createLog();
  const { key } = await createExtractiveExecutor({
    db,
    folders: [join(EXAMPLES, "../documents/")],
    log,
  });
  expect(key).toBe(`extractive:${EXAMPLES}`);
});

test("a follow-up without a subject of its own asks about the one before it", async () => {
  const { db } = await createDatabase();
  const executor = await createExtractiveExecutor({
    db,
    folders: [EXAMPLES],
    log: createLog().log,
  });
  const ask = (input: string, previous: Attempt["previous"]) =>
    executor.execute({
      runId: "trun_test",
      createdMs: Date.now(),
      input: { input, processor: "core" },
      previous,
      signal: new AbortController().signal,
      report: async () => {},
    });
  const question = "What was the GDP of France in 2023?";
  const { output } = await ask(question, []);
  const sameSubject = await ask("And in 2022?", [{ runId: "trun_1", input: question, output }]);
  expect(sameSubject.output.content).toMatch(/2022[^]*France|France[^]*2022/);
  expect(sameSubject.output.basis[0]?.citations?.[0]?.url).toContain("locations=FR");
  const sameYear = await ask("And Germany?", [{ runId: "trun_1", input: question, output }]);
  expect(sameYear.output.basis[0]?.citations?.[0]?.url).toContain("locations=DE");
  expect(sameYear.output.content).toContain("$4.53 trillion");
});
