import { UsageError } from "../../runtime/usage-error.ts";

/** The base URL of a backend cannot be used. The message never repeats the text: people paste keys into wrong fields. */
export class InvalidBaseUrl extends UsageError {
  override readonly name = "InvalidBaseUrl";
}

/**
 * Checks a base URL and removes its trailing slashes; a path prefix is preserved. Throws {@link InvalidBaseUrl} for
 * anything but a plain http or https address.
 */
export function parseBaseUrl(text: string): string {
  if (!URL.canParse(text)) {
    throw new InvalidBaseUrl("The base URL is not a URL: write it like https://api.parallel.ai");
  }
  const url = new URL(text);
  if (url.protocol !== "https:" && url.protocol !== "http:") {
    throw new InvalidBaseUrl("The base URL must begin with https:// or http://");
  }
  if (url.username !== "" || url.password !== "") {
    throw new InvalidBaseUrl("The base URL must not contain credentials: set the API key instead");
  }
  if (url.search !== "" || url.hash !== "") {
    throw new InvalidBaseUrl("The base URL must not contain a query or a fragment: remove it");
  }
  return url.origin + url.pathname.replace(/\/+$/, "");
}

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
