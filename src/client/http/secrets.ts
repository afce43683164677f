import type { RunInput } from "../../task-api/run-input.ts";
import { UsageError } from "../../runtime/usage-error.ts";
import { secretsIn } from "../../text/redact.ts";

/** The API key cannot be a header value. The message does not repeat it. */
export class InvalidApiKey extends UsageError {
  override readonly name = "InvalidApiKey";
}

/**
 * Checks the key here, because an HTTP library would repeat a bad header value in its error.
 * Throws {@link InvalidApiKey}.
 */
export function checkApiKey(apiKey: string): void {
  if (!/^[\x21-\x7e]+$/.test(apiKey)) {
    throw new InvalidApiKey(
      "The API key is empty or holds spaces, line breaks or other characters a key never has: copy it again",
    );
  }
}

/** The header values that runs give to their MCP servers. Backends repeat a request they refuse, and these with it. */
export function headerSecrets(inputs: readonly RunInput[]): string[] {
  return secretsIn(
    inputs.flatMap(({ mcp_servers: servers }) =>
      (servers ?? []).flatMap(({ headers }) => Object.values(headers ?? {})),
    ),
  );
}
