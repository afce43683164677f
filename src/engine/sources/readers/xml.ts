import { DomUtils, parseDocument } from "htmlparser2";
import { type Block, groupSections, normalizeLine, type ParsedDocument } from "../document.ts";
import { readableName } from "../text/words.ts";

export type XmlElement = ReturnType<typeof DomUtils.getElementsByTagName>[number];

/** The elements of XML text with this name, in order. */
export function findElements(
  parent: XmlElement | readonly XmlElement[],
  name: string,
): XmlElement[] {
  return DomUtils.getElementsByTagName(name, [parent].flat());
}

/** The elements at the top of XML text: one, if it is well formed. */
export function parseElements(xml: string): XmlElement[] {
  return parseDocument(xml, { xmlMode: true }).children.filter(DomUtils.isTag);
}

export function childElements(element: XmlElement): XmlElement[] {
  return element.children.filter(DomUtils.isTag);
}

/** The text of the element, or of several, and all within, as one line. */
export function lineOf(element: XmlElement | XmlElement[]): string {
  return normalizeLine(DomUtils.textContent(element));
}

/** Longer text is prose, which needs no name of its element. */
const MAX_VALUE_CHARS = 300;

/** Reads XML of any kind: what one element says is a line, and a short value has the name of its element. */
export function parseXml(text: string): ParsedDocument {
  const blocks = parseElements(text).flatMap((element) => readElement(element));
  const sections = groupSections(blocks, null);
  return { title: null, url: null, publishedOn: null, sections, problems: [] };
}

function readElement(element: XmlElement): Block[] {
  const hasText = element.children.some(
    (child) => DomUtils.isText(child) && child.data.trim() !== "",
  );
  const children = childElements(element);
  if (!hasText) return children.flatMap(readElement);
  const text = lineOf(element);
  const isValue = children.length === 0 && text.length <= MAX_VALUE_CHARS;
  return [{ kind: "line", text: isValue ? `${readableName(element.name)}: ${text}` : text }];
}
