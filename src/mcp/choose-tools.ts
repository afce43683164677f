import type { ListedTool, Toolset } from "./tool.ts";
import { TOOL_LIST } from "./tool-list.ts";

/** Read-only wins over the chosen toolsets. */
export function chooseTools({
  toolsets = ["runs", "groups"],
  isReadOnly = false,
}: {
  toolsets?: readonly Toolset[];
  isReadOnly?: boolean;
}): ListedTool[] {
  return TOOL_LIST.filter(
    ({ toolset, hints }) => toolsets.includes(toolset) && (!isReadOnly || hints.readOnly),
  );
}
