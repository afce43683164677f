import { z } from "zod";
import { type Block, groupSections, normalizeLine, type ParsedDocument } from "../document.ts";
import { parseJson } from "../../../text/json.ts";
import { parseMarkdown } from "./markdown.ts";

/** Reads text whose lines stand for themselves: logs and settings. */
export function parseLines(text: string): ParsedDocument {
  const blocks = text.split("\n").flatMap((line, at): Block[] => {
    const words = normalizeLine(line);
    return words === ""
      ? []
      : [{ kind: "line", text: words, place: { unit: "line", number: at + 1 } }];
  });
  const sections = groupSections(blocks, null);
  return { title: null, url: null, publishedOn: null, sections, problems: [] };
}

const Notebook = z.object({
  cells: z.array(
    z.object({
      cell_type: z.string(),
      source: z.union([z.string(), z.array(z.string()).transform((lines) => lines.join(""))]),
    }),
  ),
});

/** Reads a Jupyter notebook: its text and code, without outputs. Source: nbformat 4. */
export function parseNotebook(text: string): ParsedDocument {
  const { cells } = Notebook.parse(parseJson(text));
  const parts = cells.map(({ cell_type: type, source }) =>
    type === "code" ? `~~~~\n${source}\n~~~~` : source,
  );
  return withoutPlaces(parseMarkdown(parts.join("\n\n")));
}

/** The lines of what was put together are not those of the file. */
function withoutPlaces(document: ParsedDocument): ParsedDocument {
  const sections = document.sections.map(({ heading, text }) => ({ heading, text, place: null }));
  return { ...document, sections };
}
