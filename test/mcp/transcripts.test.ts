import { expect, test } from "vitest";
import { type TypicalAnswer, typicalAnswers } from "./typical-answers.ts";

/** Read these files to see what agents see; `npx vitest run test/mcp/transcripts.test.ts -u` writes them anew. */
test("the twenty typical answers are those that were approved", async () => {
  const { answers } = await typicalAnswers();
  expect(answers).toHaveLength(20);
  for (const answer of answers) {
    await expect(transcriptOf(answer)).toMatchFileSnapshot(`transcripts/${answer.name}.txt`);
  }
});

function transcriptOf({ tool, args, isError, texts, structuredContent }: TypicalAnswer): string {
  return [
    `${tool} ${JSON.stringify(args)}`,
    ...texts.map((text, index) => `--- text ${index + 1}${isError ? ", an error" : ""}\n${text}`),
    ...(structuredContent === undefined
      ? []
      : [`--- structuredContent\n${JSON.stringify(structuredContent, null, 2)}`]),
    "",
  ].join("\n\n");
}
