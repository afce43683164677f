import { expect, test } from "vitest";
import { createAsk, quotesOf, windowsOf } from "./run-extractive.ts";

const FILES = {
  "peak.md":
    "# Mount Arlo\n\nMount Arlo is the highest mountain of the Arlo range. Its summit lies 3,021 metres above the sea.\n\n## Ice\n\nThe Arlo ice covered 6.1 square kilometres in 1960.\n",
  "other-peak.md":
    "# Mount Brin\n\nMount Brin is the second mountain of the Arlo range, at 2,710 metres.\n",
  "handbook.md":
    "# Leave\n\nThis chapter is from the staff handbook of Quill Press.\n\n## Holidays\n\nEvery employee has 28 days of paid holiday a year.\n",
  "museum.md":
    "# Arlo Museum\n\nThe Arlo Museum opened in 1926 and has 118,000 objects.\n\n## Dig at the Vesk\n\nAt the Vesk the longest house measured 27 metres.\n",
  "cooking.md": "# Cooking\n\nThe cooking of the valley uses barley and trout.\n",
};

test("a height is answered in metres, not by an area, nor by a neighbour", async () => {
  const ask = await createAsk(FILES);
  expect(windowsOf(await ask("How high is Mount Arlo?"))[0]).toContain("3,021 metres");
  expect(windowsOf(await ask("How high is Mount Brin?"))[0]).toContain("2,710 metres");
});

test.each([
  "How many storeys does the Arlo Museum have?",
  "What is the salary of the director of the Arlo Museum?",
  "How do I cook lasagne?",
])(
  "nothing is marked as an answer to a question that shares a subject only: %s",
  async (question) => {
    const ask = await createAsk(FILES);
    expect(quotesOf(await ask(question))).toEqual([]);
  },
);

test("a window is whole sentences in order, and begins with what its first sentence refers to", async () => {
  const ask = await createAsk({
    "permits.md":
      "# Permits\n\nThe yellow form is for boats under six metres. This form is sent to the harbour office by 3 May. Bicycles need nothing.\n",
  });
  const [window = ""] = windowsOf(await ask("When is which form sent to the harbour office?"));
  expect(window).toMatch(/^The yellow form is for boats .* by 3 May\./);
});

test("rows of a table stay whole and on lines of their own", async () => {
  const rows = Array.from({ length: 40 }, (_, index) => `| Hall ${index} | ${index * 3} | dry |`);
  const ask = await createAsk({
    "halls.md": `# Halls\n\n| Hall | Lamps | State |\n|--|--|--|\n${rows.join("\n")}\n`,
  });
  const [window = ""] = windowsOf(await ask("How many lamps has hall 17?"));
  expect(window).toContain("Hall: Hall 17; Lamps: 51; State: dry");
  for (const line of window.split("\n"))
    expect(line).toMatch(/^Hall: Hall \d+; Lamps: \d+; State: dry$/);
  expect(window.length).toBeLessThanOrEqual(400);
});

test("the same text in two formats, or in another case, is shown once", async () => {
  const text = "The towing speed in the canal is six knots, and four at night.";
  const ask = await createAsk({
    "a.md": `# Canal rules\n\n${text}\n`,
    "b.html": `<title>Canal</title><p>${text.replace("six knots", "<b>Six  Knots</b>")}</p>`,
  });
  expect(windowsOf(await ask("What is the towing speed in the canal?"))).toHaveLength(1);
});

test("of two passages that answer alike, the current one comes before the outdated one", async () => {
  const ask = await createAsk({
    "a.md": "# Pump P4\n\nThis manual is superseded. The pump P4 is started with the red lever.\n",
    "b.md": "# Pump P4\n\nThis manual is complete. The pump P4 is started with the green lever.\n",
  });
  expect(windowsOf(await ask("How is the pump P4 started?"))[0]).toContain("green lever");
  expect(windowsOf(await ask("Which superseded manual has the pump P4?"))[0]).toContain(
    "red lever",
  );
});

test("a description of the output never changes what a question finds", async () => {
  const ask = await createAsk(FILES);
  const question = "How high is Mount Arlo?";
  const plain = await ask(question);
  const described = await ask(question, {
    task_spec: { output_schema: "Two sentences about the museum, its objects and the cooking" },
  });
  expect(described.output.content).toBe(plain.output.content);
});
