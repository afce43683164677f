const QUOTE = 0x22;
const MINUS = 0x2d;
const BACKSLASH = 0x5c;
/** Numbers of up to this many characters are read back exactly as written, unless they have an exponent. */
const SURELY_EXACT_CHARS = 15;
/** JavaScript writes no number with more characters; a longer one need not be compared. */
const MAX_COMPARED_CHARS = 40;

const JSON_NUMBER = /^-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?$/;

/**
 * The value of JSON text from outside. What JavaScript cannot hold is read as the nearest that it can: a number with more
 * digits than a double keeps, or beyond its range, as a string of the same digits; half a surrogate pair as U+FFFD.
 * Throws what `JSON.parse` throws.
 */
export function parseJson(text: string): unknown {
  return JSON.parse(exactJson(text));
}

/** The value of JSON text, or undefined (which JSON cannot say) when it is not JSON. */
export function tryParseJson(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}

/** JSON text that `JSON.parse` reads without loss: see {@link parseJson}. */
export function exactJson(text: string): string {
  return quoteLongNumbers(wellFormedJson(text));
}

/** The compact (or indented) JSON text of a value, well-formed; empty for undefined. For text that leaves this process. */
export function jsonText(value: unknown, indent?: number): string {
  return wellFormedJson(JSON.stringify(value, null, indent) ?? "");
}

/** Whether the text is a number that a double cannot represent exactly; {@link parseJson} then returns it as text. */
export function isLongNumber(text: string): boolean {
  return JSON_NUMBER.test(text) && !isExact(text);
}

/** Halves of surrogate pairs, as they are or escaped, become U+FFFD. Outside of strings JSON has no backslash. */
function wellFormedJson(text: string): string {
  const wellFormed = text.toWellFormed();
  if (!/\\u[dD][89a-fA-F]/.test(wellFormed)) return wellFormed;
  return wellFormed.replaceAll(
    /\\(?:u[dD][89abAB][\da-fA-F]{2}\\u[dD][c-fC-F][\da-fA-F]{2}|(u[dD][89a-fA-F][\da-fA-F]{2})|[^])/g,
    (escape, half?: string) => (half === undefined ? escape : "\\ufffd"),
  );
}

/** Written by hand, because a pattern that matches whole strings overflows its stack on long ones. */
function quoteLongNumbers(text: string): string {
  let quoted = "";
  let copiedTo = 0;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      at = endOfString(text, at);
    } else if (code === MINUS || isDigit(code)) {
      const end = endOfNumber(text, at);
      const number = end - at > 2 ? text.slice(at, end) : "";
      if (isLongNumber(number)) {
        quoted += `${text.slice(copiedTo, at)}"${number}"`;
        copiedTo = end;
      }
      at = end - 1;
    }
  }
  return copiedTo === 0 ? text : quoted + text.slice(copiedTo);
}

function endOfString(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  while (end !== -1 && isEscaped(text, end)) end = text.indexOf('"', end + 1);
  return end === -1 ? text.length : end;
}

function isEscaped(text: string, at: number): boolean {
  let before = at - 1;
  while (text.charCodeAt(before) === BACKSLASH) before -= 1;
  return (at - before) % 2 === 0;
}

function endOfNumber(text: string, start: number): number {
  let end = start + 1;
  while (isDigit(text.charCodeAt(end)) || ".eE+-".includes(text.charAt(end) || " ")) end += 1;
  return end;
}

function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39;
}

function isExact(number: string): boolean {
  if (number.length <= SURELY_EXACT_CHARS && !/e/i.test(number)) return true;
  if (number.length > MAX_COMPARED_CHARS) return false;
  return significantDigits(number) === significantDigits(String(Number(number)));
}

/** The digits and the power of ten, the same for every way to write a number: `-0.120` and `12e-2` are `12e-2`. */
function significantDigits(number: string): string {
  const [mantissa = "", exponent = "0"] = number.toLowerCase().split("e");
  const [whole = "", fraction = ""] = mantissa.replace("-", "").split(".");
  const digits = (whole + fraction).replace(/^0+/, "");
  const significant = digits.replace(/0+$/, "");
  if (significant === "") return "0";
  const power = Number(exponent) - fraction.length + digits.length - significant.length;
  return `${significant}e${power}`;
}
