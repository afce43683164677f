import { rm } from "node:fs/promises";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { beforeAll, describe, expect, test } from "vitest";
import { ExecutionFailed, type Attempt } from "../../../src/engine/executors/executor.ts";
import { createExtractiveExecutor } from "../../../src/engine/executors/extractive/extractive-executor.ts";
import { DocumentFolderUnusable } from "../../../src/engine/sources/folder/document-folder.ts";
import { createEvidenceStore } from "../../../src/engine/research/create-evidence-store.ts";
import { RunOutput } from "../../../src/task-api/output.ts";
import type { SourcePolicy } from "../../../src/task-api/run-input.ts";
import type { ProgressEvent } from "../../../src/task-api/run-event.ts";
import { createDatabase, createFolder, createLog } from "../sources/document-fixtures.ts";
import {
  answerOf,
  type Ask,
  createAsk,
  EXAMPLES,
  insertRun,
  quotesOf,
  windowsOf,
} from "./run-extractive.ts";

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
    ["When did Sweden join NATO?", /Sweden joined on 7 March 2024/],
    ["When was the European Space Agency created?", /30 May 1975/],
    ["How high is Mount Everest?", /8,848\.86 metres/],
    ["How high was Mont Blanc in 2021?", /4,807\.81 metres in 2021/],
    ["What is the speed of light?", /299,792,458 metres per second/],
    ["What is the diameter of Jupiter?", /Jupiter.*142,984 km/],
    ["What is the atomic number of gold?", /Gold.*Atomic number: 79/],
    ["Is Pluto a planet?", /Pluto is a dwarf planet/],
  ])("%s", async (question, answer) => {
    expect(windowsOf(await askExamples(question))[0]).toMatch(answer);
  });

  test.each([
    "Who won the 1998 football world cup?",
    "What is the capital of Ruritania?",
    "what is the capital of ruritania",
    "GDP of Wakanda in 2023",
    "What was the GDP of France in 1998?",
    "When was UNESCO founded?",
    "How high is Kilimanjaro?",
    "What is the speed of sound?",
    "Who is the president of France?",
  ])("%s has no clear answer, and the closest passages are shown", async (question) => {
    const result = await askExamples(question);
    expect(quotesOf(result)).toEqual([]);
    expect(answerOf(result)).toContain("No passage says it in these words; the closest are:");
    expect(windowsOf(result).length).toBeGreaterThan(0);
    expect(result.output.basis[0]?.citations?.length).toBeGreaterThan(0);
  });

  test("words of the question that occur nowhere are named", async () => {
    const answer = answerOf(await askExamples("What is the capital of Ruritania?"));
    expect(answer).toContain("In none of the documents: *Ruritania*.");
    expect(answerOf(await askExamples("What is the capital of Spain?"))).not.toContain("In none");
    const ask = await createAsk({ "ocean.md": "# Ocean\n\nThe Atlantic is an ocean." });
    expect(answerOf(await ask("How deep is Atlantis?"))).toContain(
      "In none of the documents: *deep*, *Atlantis* (searched as *atlantic*).",
    );
  });

  test("when no word occurs at all, the answer says so, and what was searched", async () => {
    const { output, warnings } = await askExamples("Recommend pizzerias");
    expect(output).toMatchObject({
      type: "text",
      content:
        "No word of the question is in the 16 documents that were searched: *Recommend*, *pizzerias*.",
      basis: [{ field: "output", citations: [], confidence: "low" }],
    });
    expect(warnings.map((warning) => warning.message)).toContainEqual(
      expect.stringContaining("No word of the question was found"),
    );
    expect(answerOf(await askExamples("?!"))).toBe(
      "The question has no word to search for in the 16 documents.",
    );
  });

  test.each([
    ["When was CERN established?", "29 September 1954"],
    ["When did NATO start?", "4 April 1949"],
    ["How many people live in Germany?", "83.3 million"],
    ["Which state had the biggest economy of the EU in 2023?", "Germany has the largest economy"],
  ])("%s, in other words than the documents', is among the closest", async (question, answer) => {
    expect(windowsOf(await askExamples(question)).join("\n")).toContain(answer);
  });

  test("the answer quotes a document verbatim, cites its address, and says that no model was used", async () => {
    const { output, warnings } = await askExamples("What was the GDP of France in 2023?");
    expect(RunOutput.parse(output)).toEqual(output);
    const sentence =
      "In 2023 the gross domestic product (GDP) of France was about $3.05 trillion in current US dollars.";
    const url = "https://data.worldbank.org/indicator/NY.GDP.MKTP.CD?locations=FR";
    expect(output.content).toMatch(
      /^\[1\] GDP of France · (?:line \d+ · )?p1\.1 · has \*GDP\*, \*France\*, \*2023\*\n\n> /,
    );
    expect(output.content).toContain(`**${sentence}**`);
    expect(output.content).toContain(`- [1] GDP of France: <${url}>`);
    expect(output.basis).toEqual([
      {
        field: "output",
        reasoning: expect.stringMatching(/^extractive: .*no model was used/),
        citations: expect.arrayContaining([
          {
            url,
            title: "GDP of France",
            excerpts: expect.arrayContaining([expect.stringContaining(sentence)]),
          },
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
    expect(windowsOf(result)[0]).toMatch(/\$2\.10 trillion/);
  });

  test("a question of 20,000 characters is answered", async () => {
    const filler = "please consider every aspect that might perhaps be relevant to this matter; ";
    const question = `What was the GDP of France in 2023? ${filler.repeat(270)}`;
    expect(question.length).toBeGreaterThan(20_000);
    expect(windowsOf(await askExamples(question)).join("\n")).toMatch(/\$3\.05 trillion/);
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
    const result = await askExamples(`${attack.toLowerCase()} What was the GDP of France in 2023?`);
    expect(windowsOf(result)[0]).toMatch(/3\.05/);
  });

  test("a higher processor shows the same passages and more, and -fast is the same as its base", async () => {
    const read = async (processor: string) => {
      const result = await askExamples("GDP and population in 2023", { processor });
      return { quotes: quotesOf(result), windows: windowsOf(result) };
    };
    const lite = await read("lite");
    expect(lite.windows.join("").length).toBeLessThanOrEqual(1_600);
    for (const same of ["lite-fast", "base", "nobody-knows"]) {
      expect(await read(same)).toEqual(lite);
    }
    const core = await read("core");
    expect(core.windows.length).toBeGreaterThan(lite.windows.length);
    expect(core.windows.join("").length).toBeLessThanOrEqual(3_200);
    expect(core.windows.slice(0, lite.windows.length)).toEqual(lite.windows);
    expect(core.quotes).toEqual(lite.quotes);
    expect(await read("ultra")).toEqual(core);
  });

  test("the source policy limits what is quoted", async () => {
    const question = "When was the World Health Organization founded?";
    const allowed = await askExamples(question, {
      source_policy: { include_domains: ["who.int"] },
    });
    expect(windowsOf(allowed)[0]).toMatch(/7 April 1948/);
    const excluded = await askExamples(question, { source_policy: { exclude_domains: [".int"] } });
    expect(answerOf(excluded)).not.toContain("7 April 1948");
    const nothing = await askExamples(question, {
      source_policy: { include_domains: ["nowhere.example"] },
    });
    expect(answerOf(nothing)).toMatch(/no document to search/);
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
        answerOf(await ask("How many weeks of leave do parents have?", { source_policy })),
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
      expect.stringMatching(/^Quoting \d+ passages? of \d documents?$/),
    ]);

    const stats = events.filter((event) => event.type === "task_run.progress_stats");
    const meters = stats.map((event) => event.progress_meter ?? Number.NaN);
    expect(meters).toEqual(meters.toSorted((a, b) => a - b));
    expect(meters.at(-1)).toBeLessThan(100);
    const counts = stats.map((event) => event.source_stats?.num_sources_read ?? Number.NaN);
    expect(counts).toEqual([...new Set(counts)].toSorted((a, b) => a - b));
    const last = stats.at(-1)?.source_stats;
    expect(last?.num_sources_considered).toBeGreaterThanOrEqual(last?.num_sources_read ?? NaN);
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
  expect(windowsOf(await ask("How long is the river Zorn?"))).toHaveLength(1);
});

test("a text without spaces between words is found and quoted", async () => {
  const ask = await createAsk({
    "a.md": "法国是欧洲国家。2023年法国的国内生产总值约为3.05万亿美元。",
    "b.md": "2023年德国的国内生产总值约为4.53万亿美元。",
  });
  expect(windowsOf(await ask("法国2023年的国内生产总值是多少？"))[0]).toMatch(/3\.05/);
});

test("an empty folder is answered honestly", async () => {
  const ask = await createAsk({});
  expect(answerOf(await ask("What is this?"))).toMatch(
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
      runId: await insertRun(db),
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

describe("a follow-up", () => {
  const QUESTION = "What was the GDP of France in 2023?";

  test("without a subject of its own asks about the one before it", async () => {
    const ask = await createAsk();
    const first = { runId: "trun_a", input: QUESTION, output: (await ask(QUESTION)).output };
    const sameSubject = await ask("And in 2022?", {}, [first]);
    expect(windowsOf(sameSubject)[0]).toMatch(/2022/);
    expect(sameSubject.output.basis[0]?.citations?.[0]?.url).toContain("locations=FR");
    const sameYear = await ask("And Germany?", {}, [first]);
    expect(sameYear.output.basis[0]?.citations?.[0]?.url).toContain("locations=DE");
    expect(windowsOf(sameYear)[0]).toContain("$4.53 trillion");
    const third = { runId: "trun_b", input: "And Germany?", output: sameYear.output };
    expect(windowsOf(await ask("And in 2021?", {}, [first, third]))[0]).toContain("$4.35 trillion");
  });

  test("adds what the earlier answers did not show, or says that there is no more", async () => {
    const lamps = Array.from({ length: 12 }, (_, index) => [
      `${index}.md`,
      `# Lamp ${index}\n\nThe Quill lamp number ${index} stands in hall ${index * 7}. ${"It is lit at dusk, as the others are. ".repeat(6)}\n`,
    ]);
    const ask = await createAsk(Object.fromEntries(lamps));
    const question = "Where do the Quill lamps stand?";
    const previous: Attempt["previous"][number][] = [];
    const shown = new Set<string>();
    for (let turn = 0; ; turn += 1) {
      const input = turn === 0 ? question : "Tell me more.";
      const { output, warnings } = await ask(input, { processor: "base" }, previous);
      const windows = windowsOf({ output, warnings });
      expect(windows.filter((window) => shown.has(window))).toEqual([]);
      for (const window of windows) shown.add(window);
      previous.push({ runId: `trun_${turn}`, input, output });
      if (windows.length > 0) continue;
      expect(output.content).toBe(
        "There is nothing more about it in the documents than the earlier answer shows.",
      );
      break;
    }
    expect(shown.size).toBe(12);
  });
});

test("what is shown and what comes after it is kept for reading on, under the ids of the answer", async () => {
  const { db } = await createDatabase();
  const evidence = createEvidenceStore(db);
  const executor = await createExtractiveExecutor({
    db,
    folders: [EXAMPLES],
    log: createLog().log,
    evidence,
  });
  const runId = await insertRun(db);
  const result = await executor.execute({
    runId,
    createdMs: Date.now(),
    input: { input: "What was the GDP of France in 2023?", processor: "lite" },
    previous: [],
    signal: new AbortController().signal,
    report: async () => {},
  });
  const shown = [...answerOf(result).matchAll(/ · (p\d+\.\d+) · /g)].map((match) => match[1]);
  const { passages, total } = await evidence.hits(runId, { offset: 0, limit: 30 });
  const distinct = [...new Set(shown)];
  expect(passages.slice(0, distinct.length).map(({ id }) => id)).toEqual(distinct);
  expect(passages[0]?.text).toContain(windowsOf(result)[0]);
  expect(total).toBeGreaterThan(distinct.length);
});
