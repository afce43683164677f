import { cutText } from "./cut-text.ts";

/** CSI sequences, strings for the terminal (OSC 8, OSC 52 and the like) with what they carry, and all other escapes. */
const ESCAPE_SEQUENCES =
  /(?:\u001b\[|\u009b)[0-?]*[ -/]*[@-~]|(?:\u001b[\]PX^_]|[\u0090\u0098\u009d-\u009f])[^\u0007\u001b\u0080-\u009f\n]*(?:\u0007|\u001b\\|\u009c)|\u001b[ -/]*[0-~]?/g;

/** Characters that are invisible or reorder the text: controls, bidi marks, tags, fillers, selectors. */
const INVISIBLE = String.raw`[^\P{Cc}\n\t]|\p{Default_Ignorable_Code_Point}|[\ufff9-\ufffb]`;

/** The invisible characters that real text needs, each only where it does, so that a row of them cannot hide a message. */
const NEEDED = [
  // Flags of regions, such as England's. Source: UTS 51, emoji tag sequences.
  String.raw`\u{1f3f4}[\u{e0061}-\u{e007a}]{2}[\u{e0030}-\u{e0039}\u{e0061}-\u{e007a}]{1,4}\u{e007f}`,
  // One joiner or non-joiner after a letter of Persian or an Indic script, or inside an emoji.
  String.raw`(?<=[^\p{Default_Ignorable_Code_Point}\u0000-\u007f]\ufe0f?)[\u200c\u200d]`,
  // One selector of a form: of an emoji, a symbol, a Chinese or a Mongolian letter.
  String.raw`(?<=[^\p{Default_Ignorable_Code_Point}\u0000-\u007f])[\ufe00-\ufe02\ufe0e\ufe0f]`,
  String.raw`(?<=[0-9#*])\ufe0f(?=\u20e3)`,
  String.raw`(?<=\p{Script=Mongolian})[\u180b-\u180f]`,
].join("|");

const HAS_INVISIBLE = new RegExp(INVISIBLE, "u");
const NEEDED_OR_INVISIBLE = new RegExp(`(${NEEDED})|${INVISIBLE}`, "gu");

/**
 * Text from outside as a person or an agent may be shown it: well-formed, without escape sequences and characters that
 * cannot be seen. Everything else stays letter for letter, because quotes are compared with their sources.
 */
export function cleanText(text: string): string {
  const wellFormed = text.toWellFormed();
  if (!HAS_INVISIBLE.test(wellFormed)) return wellFormed;
  return wellFormed
    .replaceAll(/\r\n?|\u0085/g, "\n")
    .replaceAll(ESCAPE_SEQUENCES, "")
    .replaceAll(NEEDED_OR_INVISIBLE, (_found, needed?: string) => needed ?? "");
}

/** The same on one line, which is cut after `maxChars`. */
export function cleanLine(text: string, maxChars = Number.POSITIVE_INFINITY): string {
  return cutText(cleanText(text).replaceAll(/\s+/g, " ").trim(), maxChars);
}

/** A JSON value with every text in it cleaned, names of members included. */
export function cleanValue<Value>(value: Value): Value;
export function cleanValue(value: unknown): unknown {
  if (typeof value === "string") return cleanText(value);
  if (Array.isArray(value)) return value.map((item: unknown) => cleanValue(item));
  if (typeof value !== "object" || value === null) return value;
  const members = new Map<string, unknown>();
  for (const [name, member] of Object.entries(value)) {
    let cleaned = cleanText(name);
    // Names that only differed in what cannot be seen: none of their values is lost.
    while (members.has(cleaned)) cleaned += " (2)";
    members.set(cleaned, cleanValue(member));
  }
  return Object.fromEntries(members);
}
