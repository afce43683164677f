import type { oas31 } from "zod-openapi";
import { JsonObject } from "../../../task-api/task-spec.ts";

/** Ends the names of schemas as they are served, where a request may leave out what an answer always has. */
export const SERVED_SUFFIX = "-served";

/** Leaves out the schemas that no endpoint uses; those that are only ever served have their plain names. */
export function tidyComponents(document: oas31.OpenAPIObject): JsonObject {
  const schemas = document.components?.schemas ?? {};
  const used = new Set<string>();
  const collect = (part: unknown) => {
    for (const [, name = ""] of JSON.stringify(part).matchAll(REFERENCE)) {
      if (used.has(name)) continue;
      used.add(name);
      collect(schemas[name]);
    }
  };
  collect(document.paths);

  const plainName = (name: string) => {
    const plain = name.replace(SERVED_SUFFIX, "");
    return used.has(plain) ? name : plain;
  };
  const kept = Object.fromEntries(
    [...used].toSorted().map((name) => [plainName(name), schemas[name] ?? {}]),
  );
  const text = JSON.stringify({
    ...document,
    components: { ...document.components, schemas: kept },
  });
  return JsonObject.parse(
    JSON.parse(text.replaceAll(REFERENCE, (_, name: string) => toReference(plainName(name)))),
  );
}

const toReference = (name: string) => `"#/components/schemas/${name}"`;
const REFERENCE = /"#\/components\/schemas\/([\w-]+)"/g;
