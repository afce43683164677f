import { parse } from "yaml";
import { z } from "zod";
import { readIsoDate, readWebUrl } from "../document.ts";
import { errorMessage } from "../../../text/error-message.ts";

/** The values of the YAML between `---` lines at the top of a file, and the text below it, with LF as line end. */
export interface FrontMatter {
  title: string | null;
  url: string | null;
  publishedOn: string | null;
  body: string;
  /** The line of the file in which the body begins. */
  bodyLine: number;
  problems: string[];
}

const BLOCK = /^---[ \t]*\n([\s\S]*?)(?:^|\n)(?:---|\.\.\.)[ \t]*(?:\n|$)/;

const Scalar = z
  .union([z.string(), z.number(), z.bigint(), z.boolean()])
  .transform(String)
  .nullish();
const Fields = z.looseObject({
  title: Scalar.catch(null),
  url: Scalar.catch(null),
  source: Scalar.catch(null),
  date: Scalar.catch(null),
  published: Scalar.catch(null),
});

/** Reads `title`, `url` (or `source`) and `date` (or `published`). Never throws: what is malformed becomes a problem. */
export function readFrontMatter(content: string): FrontMatter {
  const text = content.replaceAll(/\r\n?/g, "\n");
  const [block = "", yamlText = ""] = BLOCK.exec(text) ?? [];
  const body = text.slice(block.length);
  const none = {
    title: null,
    url: null,
    publishedOn: null,
    body,
    bodyLine: block.split("\n").length,
    problems: [],
  };
  if (block === "") return none;

  let yaml: unknown;
  try {
    yaml = parse(yamlText, { logLevel: "error", intAsBigInt: true });
  } catch (error) {
    const [firstLine] = errorMessage(error).split("\n");
    return { ...none, problems: [`its front matter is not valid YAML: ${firstLine}`] };
  }
  if (yaml === null || yaml === undefined) return none;
  const fields = Fields.safeParse(yaml);
  if (!fields.success) {
    return { ...none, problems: ["its front matter is not a list of `name: value` lines"] };
  }

  const problems: string[] = [];
  // Site generators write paths there.
  const url = readWebUrl(fields.data.url ?? fields.data.source ?? "");
  const date = fields.data.date ?? fields.data.published ?? null;
  const publishedOn = date === null ? null : readIsoDate(date);
  if (date !== null && publishedOn === null) {
    problems.push("its front matter `date` is not written as YYYY-MM-DD");
  }
  return { ...none, title: fields.data.title ?? null, url, publishedOn, problems };
}
