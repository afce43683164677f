import type { Implementation, Tool as WireTool } from "@modelcontextprotocol/server";
import { chooseTools } from "./choose-tools.ts";
import { describeServer } from "./instructions.ts";
import { type Prompt, choosePrompts } from "./protocol/prompts.ts";
import type { CatalogBackend, ListedTool, Toolset } from "./tool.ts";

/** What agents get: the tools, and what is said about them. */
export interface AgentOffer {
  tools: readonly ListedTool[];
  instructions: string;
  prompts: readonly Prompt[];
}

export interface OfferLimits {
  /** All of them by default. */
  toolsets?: readonly Toolset[];
  /** Offers only tools that start, change and spend nothing; wins over everything else. */
  isReadOnly?: boolean;
  /** Whose prices, times and sources the texts tell of; by default the hosted API's. */
  catalogBackend?: CatalogBackend;
}

export function offerTo(limits: OfferLimits): AgentOffer {
  const tools = chooseTools(limits);
  return {
    tools,
    instructions: describeServer(tools, limits.catalogBackend),
    prompts: choosePrompts(tools),
  };
}

/** How this server introduces itself. */
export function introduce(version: string): Implementation {
  return { name: "task-run-mcp", title: "Task runs", version };
}

/** What a client is shown of a tool besides its name and its schemas. */
export function describeTool({ title, description, hints }: ListedTool) {
  return {
    title,
    description,
    annotations: {
      title,
      readOnlyHint: hints.readOnly,
      destructiveHint: hints.destructive,
      idempotentHint: hints.idempotent,
      openWorldHint: hints.openWorld,
    },
  } satisfies Partial<WireTool>;
}
