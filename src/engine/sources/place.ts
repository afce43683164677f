import type { Place } from "./source.ts";

/** `page 9`, as it is stored; empty without a place. */
export function writePlace(place: Place | null): string {
  return place === null ? "" : `${place.unit} ${place.number}`;
}

/** The way back from {@link writePlace}; null for anything else. */
export function readPlace(text: string): Place | null {
  const [unit, number] = text.split(" ");
  if (unit !== "page" && unit !== "slide" && unit !== "line") return null;
  return { unit, number: Number(number) };
}

/** `p. 9`, `slide 3` or `line 120`, as an answer shows it; empty without a place. */
export function showPlace(place: Place | null): string {
  if (place === null) return "";
  return `${place.unit === "page" ? "p." : place.unit} ${place.number}`;
}

/** The address of a place in a page: a viewer of PDF files opens the page. Source: RFC 8118, section 3. */
export function citedUrl(url: string, place: Place | null): string {
  return place?.unit === "page" && !url.includes("#") ? `${url}#page=${place.number}` : url;
}
