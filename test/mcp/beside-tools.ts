import type { Client as ModernClient } from "@modelcontextprotocol/client";
import type { Client as V1Client } from "@modelcontextprotocol/sdk/client/index.js";
import { ResourceUpdatedNotificationSchema } from "@modelcontextprotocol/sdk/types.js";
import { z } from "zod";

const Contents = z.object({
  contents: z.array(z.object({ uri: z.string(), mimeType: z.string(), text: z.string() })),
  ttlMs: z.number().optional(),
  cacheScope: z.string().optional(),
});
export type Contents = z.infer<typeof Contents>;

const Resources = z.object({
  resources: z.array(z.looseObject({ uri: z.string(), name: z.string(), title: z.string() })),
});
const Templates = z.object({
  resourceTemplates: z.array(z.looseObject({ uriTemplate: z.string() })),
});
const Completion = z.object({ completion: z.object({ values: z.array(z.string()) }) });
const Prompts = z.object({
  prompts: z.array(
    z.looseObject({
      name: z.string(),
      arguments: z.array(
        z.object({ name: z.string(), description: z.string(), required: z.boolean() }),
      ),
    }),
  ),
});
const Prompt = z.object({
  messages: z.tuple([
    z.object({ role: z.literal("user"), content: z.looseObject({ text: z.string() }) }),
  ]),
});

type Reference = { type: "ref/prompt"; name: string } | { type: "ref/resource"; uri: string };

/** What a client may ask besides calling tools, the same way whichever SDK it comes from. */
export interface BesideTools {
  read(uri: string): Promise<Contents>;
  resources(): Promise<z.infer<typeof Resources>["resources"]>;
  templates(): Promise<string[]>;
  complete(ref: Reference, name: string, value: string): Promise<string[]>;
  prompts(): Promise<z.infer<typeof Prompts>["prompts"]>;
  prompt(name: string, args?: Record<string, string>): Promise<string>;
  capabilities(): unknown;
  /** Subscribes; in 2026-07-28 with a listen stream. */
  subscribe(uri: string): Promise<{ stop(): Promise<void> }>;
  /** The URIs of all updates so far. */
  updates: readonly string[];
  /** Resolves when that many updates have come. */
  untilUpdates(count: number): Promise<void>;
}

export function besideTools(
  client: V1Client | ModernClient,
  { isModern, onUpdated }: { isModern: boolean; onUpdated: (tell: (uri: string) => void) => void },
): BesideTools {
  const updates: string[] = [];
  let wake = () => {};
  onUpdated((uri) => {
    updates.push(uri);
    wake();
  });
  return {
    read: async (uri) => Contents.parse(await client.readResource({ uri })),
    resources: async () => Resources.parse(await client.listResources()).resources,
    templates: async () =>
      Templates.parse(await client.listResourceTemplates()).resourceTemplates.map(
        ({ uriTemplate }) => uriTemplate,
      ),
    complete: async (ref, name, value) =>
      Completion.parse(await client.complete({ ref, argument: { name, value } })).completion.values,
    prompts: async () => Prompts.parse(await client.listPrompts()).prompts,
    prompt: async (name, args) =>
      Prompt.parse(await client.getPrompt({ name, ...(args && { arguments: args }) })).messages[0]
        .content.text,
    capabilities: () => client.getServerCapabilities(),
    async subscribe(uri) {
      if (isModern && "listen" in client) {
        const subscription = await client.listen({ resourceSubscriptions: [uri] });
        return { stop: () => subscription.close() };
      }
      await client.subscribeResource({ uri });
      return {
        async stop() {
          await client.unsubscribeResource({ uri });
        },
      };
    },
    updates,
    untilUpdates: (count) =>
      new Promise((resolve) => {
        wake = () => {
          if (updates.length >= count) resolve();
        };
        wake();
      }),
  };
}

export const besideV1Tools = (client: V1Client): BesideTools =>
  besideTools(client, {
    isModern: false,
    onUpdated: (tell) =>
      client.setNotificationHandler(ResourceUpdatedNotificationSchema, ({ params }) =>
        tell(params.uri),
      ),
  });

export const besideV2Tools = (client: ModernClient, isModern: boolean): BesideTools =>
  besideTools(client, {
    isModern,
    onUpdated: (tell) =>
      client.setNotificationHandler("notifications/resources/updated", ({ params }) =>
        tell(params.uri),
      ),
  });
