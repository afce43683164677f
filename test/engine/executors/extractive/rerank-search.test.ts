import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import { z } from "zod";
import { extractive } from "../../../../src/engine/executors/extractive/extractive-executor.ts";
import { createEvidenceStore } from "../../../../src/engine/research/create-evidence-store.ts";
import { onFinished } from "../../../on-finished.ts";
import { createDatabase, createFolder, createLog } from "../../sources/document-fixtures.ts";
import { insertRun } from "../run-extractive.ts";

const Body = z.object({ model: z.string(), input: z.array(z.string()) });
interface Received {
  path: string | undefined;
  key: string | undefined;
  body: z.output<typeof Body>;
}
type Answer = (texts: readonly string[], response: ServerResponse) => void;

const DOCUMENTS = {
  "fees.md": "# Fees\n\nThe library charges a fee for the late return of a book.",
  "cats.md": "# Cats\n\nA feline sleeps in the library.",
  "dogs.md": "# Dogs\n\nThe library has a dog. The library has a book of dogs.",
};

/** What is about cats is in one direction; dogs are farther from it than anything else. */
const byMeaning: Answer = (texts, response) => {
  const embeddingOf = (text: string) => {
    if (/cat|kitten|feline/i.test(text)) return [1, 0.1];
    return text.includes("dog") ? [-1, 0.1] : [0.1, 1];
  };
  const data = texts.map((text, index) => ({ index, embedding: embeddingOf(text) }));
  response.end(JSON.stringify({ data: data.toReversed() }));
};

async function listen(answer: Answer): Promise<{ url: string; received: Received[] }> {
  const received: Received[] = [];
  const server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      const body = Body.parse(JSON.parse(Buffer.concat(chunks).toString()));
      received.push({ path: request.url, key: request.headers.authorization, body });
      answer(body.input, response);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onFinished(() => server.close());
  const address: AddressInfo | string | null = server.address();
  const port = typeof address === "object" ? address?.port : undefined;
  return { url: `http://127.0.0.1:${port}/v1`, received };
}

async function ask(url: string, question: string) {
  const { db } = await createDatabase();
  const executor = await extractive.create(
    {
      db,
      evidence: createEvidenceStore(db),
      submissions: { find: async () => undefined },
      fetchFromRun: () => Promise.reject(new Error("No run fetches here")),
      log: createLog().log,
    },
    {
      folders: [await createFolder(DOCUMENTS)],
      embedding: { url, model: "small", apiKey: "sk-of-the-operator" },
    },
  );
  onFinished(() => executor.close?.());
  const { output, warnings } = await executor.execute({
    runId: await insertRun(db),
    createdMs: Date.now(),
    input: { input: question, processor: "base" },
    previous: [],
    signal: new AbortController().signal,
    report: async () => undefined,
  });
  const answer = output.type === "text" ? output.content : "";
  const order = [...answer.matchAll(/^\[\d+\] (\w+) ·/gm)].map(([, title]) => title);
  return { order, warnings: warnings.map(({ message }) => message) };
}

const VAGUE = "How do kittens nap in the library?";

test("where words say little, what means the same comes first", async () => {
  const { url, received } = await listen(byMeaning);
  const { order, warnings } = await ask(url, VAGUE);
  expect(order[0]).toBe("Cats");
  expect(received).toHaveLength(1);
  expect(received[0]).toMatchObject({
    path: "/v1/embeddings",
    key: "Bearer sk-of-the-operator",
    body: { model: "small" },
  });
  expect(received[0]?.body.input[0]).toBe(VAGUE);
  expect(warnings.join()).not.toContain("embedding");
});

test("where the words suffice, the endpoint is not asked", async () => {
  const { url, received } = await listen(byMeaning);
  const { order } = await ask(url, "What fee does the library charge for a late book?");
  expect(order[0]).toBe("Fees");
  expect(received).toEqual([]);
});

test.each<[string, Answer, string]>([
  ["an error", (_, response) => response.writeHead(401).end("sk-of-the-operator"), "status 401"],
  ["no JSON", (_, response) => response.end("<html>"), "sent no embeddings"],
  ["too few vectors", (_, response) => response.end('{"data":[]}'), "left out a text"],
  ["a redirect", (_, response) => response.writeHead(307, { location: "/" }).end(), "status 307"],
  ["a broken line", (_, response) => response.destroy(), "cannot be reached"],
  [
    "far too much",
    (_, response) => response.end("1".repeat(17 * 1024 * 1024)),
    "cannot be reached",
  ],
])("with %s, the order of words stands and the run is warned once", async (_, answer, reason) => {
  const { url, received } = await listen(answer);
  const { order, warnings } = await ask(url, VAGUE);
  expect(order).toHaveLength(3);
  expect(order[0]).not.toBe("Cats");
  expect(received).toHaveLength(1);
  const about = warnings.filter((message) => message.includes("embedding"));
  expect(about).toHaveLength(1);
  expect(about[0]).toContain(reason);
  expect(about[0]).not.toContain("sk-of-the-operator");
});
