import type { CatalogBackend, ListedTool, Toolset } from "./tool.ts";
import { TOOL_LIST } from "./tool-list.ts";

/** Read-only wins over the chosen toolsets. */
export function chooseTools({
  toolsets = ["runs", "groups"],
  isReadOnly = false,
  catalogBackend = "hosted",
}: {
  toolsets?: readonly Toolset[];
  isReadOnly?: boolean;
  catalogBackend?: CatalogBackend;
}): ListedTool[] {
  return TOOL_LIST.filter(
    ({ toolset, hints }) => toolsets.includes(toolset) && (!isReadOnly || hints.readOnly),
  ).map((tool) => (catalogBackend === "hosted" ? tool : reworded(tool, catalogBackend)));
}

function reworded(tool: ListedTool, backend: Exclude<CatalogBackend, "hosted">): ListedTool {
  const { description = tool.description, arguments: texts = {} } =
    tool.otherWords?.[backend] ?? {};
  const properties = Object.entries(tool.shownInput.properties).flatMap(([name, schema]) => {
    const text = texts[name];
    if (text === null) return [];
    return [[name, text === undefined ? schema : { ...schema, description: text }] as const];
  });
  return {
    ...tool,
    description,
    shownInput: { ...tool.shownInput, properties: Object.fromEntries(properties) },
  };
}
