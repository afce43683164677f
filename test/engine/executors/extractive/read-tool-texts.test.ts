import { describe, expect, test } from "vitest";
import { createEchoCheck, readToolTexts } from "../../../../src/engine/research/read-tool-texts.ts";
import { load } from "../../../load.ts";

const source = {
  title: "demo · search",
  url: "https://mcp.example/mcp",
  question: "What was the GDP of France in 2023?",
};

/** Every line, as `address | heading | line`. */
function read(text: string, url: string | null = null): string[] {
  return readToolTexts([{ text, url }], source).flatMap((document) => {
    expect(document.title).toBe(source.title);
    return document.passages.flatMap((passage) =>
      passage.text.split("\n").map((line) => `${document.url} | ${passage.heading} | ${line}`),
    );
  });
}

test("a plain text is one source with the server's address", () => {
  expect(read("The GDP was 3 trillion.\n\nIt grew.")).toEqual([
    "https://mcp.example/mcp |  | The GDP was 3 trillion.",
    "https://mcp.example/mcp |  | It grew.",
  ]);
});

test("an embedded resource has its own address", () => {
  expect(read("One.", "https://a.example/x")).toEqual(["https://a.example/x |  | One."]);
  expect(read("One.", "file:///etc/passwd")).toEqual(["https://mcp.example/mcp |  | One."]);
});

describe("JSON", () => {
  const results = {
    query: source.question,
    took: 12,
    results: [
      {
        title: "GDP of France",
        url: "https://a.example/fr",
        score: 0.98,
        published_date: "2024-05-01T00:00:00Z",
        excerpts: ["France made **3.05 trillion** dollars.", "It [grew](https://x.example/)."],
      },
      { name: "Germany", link: "https://b.example/de", snippet: "Germany made 4.53 trillion." },
      { url: "javascript:alert(1)", country: "Italy", gdp_2023: "2.25 trillion", members: 27 },
    ],
  };

  test.each([
    ["as it is", JSON.stringify(results)],
    ["pretty", JSON.stringify(results, null, 2)],
    ["in a fence", `\`\`\`json\n${JSON.stringify(results)}\n\`\`\``],
  ])("%s: each result with an address is a source, short values are a row", (_case, text) => {
    expect(read(text)).toEqual([
      "https://mcp.example/mcp |  | url: javascript:alert(1); country: Italy; gdp 2023: 2.25 trillion; members: 27",
      "https://a.example/fr | GDP of France | published date: 2024-05-01T00:00:00Z",
      "https://a.example/fr | GDP of France | France made 3.05 trillion dollars.",
      "https://a.example/fr | GDP of France | It grew.",
      "https://b.example/de | Germany | Germany made 4.53 trillion.",
    ]);
  });

  test("tells when a result was published", () => {
    const documents = readToolTexts([{ text: JSON.stringify(results), url: null }], source);
    expect(documents.map(({ url, publishedOn }) => [url, publishedOn])).toEqual([
      ["https://mcp.example/mcp", null],
      ["https://a.example/fr", "2024-05-01"],
      ["https://b.example/de", null],
    ]);
  });

  test("that is cut or nested without end is read as far as it goes", () => {
    expect(read('{"results": [{"text": "The GDP')).toHaveLength(1);
    expect(read("[".repeat(100_000) + "]".repeat(100_000))).toEqual([]);
  });
});

describe("text", () => {
  test("with title and address lines has one source for each result", () => {
    const text = [
      "Title: GDP of France",
      "URL: https://a.example/fr",
      "Published Date: 2024-05-01",
      "",
      "France made 3.05 trillion.",
      "",
      "Title: Germany",
      "**Link:** https://b.example/de",
      "# Economy",
      "- Germany made 4.53 trillion.",
      "---",
      "No address here.",
    ].join("\n");
    expect(read(text)).toEqual([
      "https://a.example/fr | GDP of France | France made 3.05 trillion.",
      "https://b.example/de | Economy | Germany made 4.53 trillion.",
      "https://mcp.example/mcp |  | No address here.",
    ]);
    const [first] = readToolTexts([{ text, url: null }], source);
    expect(first?.publishedOn).toBe("2024-05-01");
  });

  test("as a list of links has one source for each link", () => {
    const text =
      "1. [France](https://a.example/fr)\nMade 3.05.\n2. **[Germany](https://b.example/de)**\nMade 4.53.";
    expect(read(text)).toEqual([
      "https://a.example/fr | France | Made 3.05.",
      "https://b.example/de | Germany | Made 4.53.",
    ]);
  });

  test("cites no address when it cannot tell which of several a line is from", () => {
    const text =
      "France\nURL: https://a.example/\nMade 3.05.\nGermany\nURL: https://b.example/\nMade 4.53.";
    expect(read(text).every((line) => line.startsWith("https://mcp.example/mcp"))).toBe(true);
  });

  test("loses what a reader of the answer would load or follow", () => {
    const text =
      'See ![x](https://evil.example/?q=1) and <img src="https://evil.example/"> <b>this</b>.';
    expect(read(text)).toEqual(["https://mcp.example/mcp |  | See x and this ."]);
    expect(read("URL: https://user:pw@a.example/\nText.")[1]).toMatch(/^https:\/\/mcp\.example/);
  });

  // Without its limits this takes minutes, or all memory, and the test its time limit.
  test("is read up to a limit, and hostile text is read fast", () => {
    const long = read("The GDP was 3 trillion. ".repeat(50).concat("\n").repeat(1_000));
    expect(long.join("").length).toBeLessThan(150_000);
    const chars = load({ full: 1_000_000, short: 100_000 });
    for (const piece of [
      "[",
      "![",
      "[a](",
      "<a ",
      "_a_",
      "*",
      "> ",
      "`",
      "URL: ",
      "Title: ",
      "- ",
    ]) {
      read(piece.repeat(chars / piece.length));
      read(`${piece}\n`.repeat(chars / 5));
    }
  });
});

test.each([
  [source.question, true],
  [`Search results for "${source.question}"`, true],
  [`Found 10 results for: what was the gdp of france in 2023`, true],
  [`${source.question} 3.05 trillion`, false],
  ["Search results", false],
  ["The GDP of France in 2023 was 3.05 trillion.", false],
])("%j is an echo of the question: %s", (line, expected) => {
  expect(createEchoCheck(source.question)(line)).toBe(expected);
  expect(createEchoCheck("")(line)).toBe(false);
});
