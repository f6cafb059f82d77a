/**
 * The words of a web page, in their paragraphs, and nothing else of it. It is parsed into a document that is never
 * on the screen: no script of it runs, nothing of it is fetched.
 */

/** What has no words to read. */
const silent = new Set(['SCRIPT', 'STYLE', 'TEMPLATE', 'NOSCRIPT', 'IFRAME', 'OBJECT', 'SVG', 'HEAD']);
/** What stands on lines of its own. */
const block = new Set(['ADDRESS', 'ARTICLE', 'BLOCKQUOTE', 'DD', 'DIV', 'DL', 'DT', 'FIGURE', 'FOOTER', 'FORM', 'H1', 'H2', 'H3', 'H4', 'H5', 'H6', 'HEADER', 'HR', 'LI', 'MAIN', 'OL', 'P', 'PRE', 'SECTION', 'TABLE', 'TR', 'UL']);

/** What is followed by an empty line. */
const spaced = new Set(['BLOCKQUOTE', 'DL', 'H1', 'H2', 'H3', 'H4', 'H5', 'H6', 'OL', 'P', 'PRE', 'TABLE', 'UL']);

export function htmlText(html: string): string {
  const parsed = new DOMParser().parseFromString(html, 'text/html');
  const out: string[] = [];
  read(parsed.body, out);
  return out
    .join('')
    .split('\n')
    .map((line) => line.replaceAll(/[ \t\r\f]+/gu, ' ').trim())
    .join('\n')
    .replaceAll(/\n{3,}/gu, '\n\n')
    .trim();
}

function read(node: Node, out: string[]): void {
  for (const child of node.childNodes) {
    if (child.nodeType === Node.TEXT_NODE) {
      // HTML's white space, which a no-break space is not.
      out.push((child.textContent ?? '').replaceAll(/[ \t\r\n\f]+/gu, ' '));
      continue;
    }
    if (child.nodeType !== Node.ELEMENT_NODE) continue;
    const name = child.nodeName.toUpperCase();
    if (silent.has(name)) continue;
    if (name === 'BR') {
      out.push('\n');
      continue;
    }
    if (block.has(name)) newLine(out);
    read(child, out);
    if (name === 'TD' || name === 'TH') out.push(' ');
    if (block.has(name)) newLine(out);
    if (spaced.has(name)) out.push('\n');
  }
}

function newLine(out: string[]): void {
  const last = out.at(-1);
  if (last !== undefined && !last.endsWith('\n')) out.push('\n');
}
