/** A small PDF file (ISO 32000-1) for stories: one page a list of lines, in one of the fonts that readers must have. */

const encrypt = `<</Filter/Standard/V 2/R 3/Length 128/P -44/O<${'a7'.repeat(32)}>/U<${'5c'.repeat(32)}>>>`;

/** As base64, as the contract carries it. `locked` gives a file that asks for a password. */
export function pdfOf(pages: readonly (readonly string[])[], { locked = false, size = [595, 842] }: { locked?: boolean; size?: readonly [number, number] } = {}): string {
  const kids = pages.map((_, page) => `${4 + 2 * page} 0 R`).join(' ');
  const objects = ['<</Type/Catalog/Pages 2 0 R>>', `<</Type/Pages/Count ${pages.length}/Kids[${kids}]>>`, '<</Type/Font/Subtype/Type1/BaseFont/Helvetica/Encoding/WinAnsiEncoding>>'];
  pages.forEach((lines, page) => {
    const text = lines.map((line, at) => `BT /F ${at === 0 ? 16 : 11} Tf 1 0 0 1 64 ${size[1] - 80 - at * 20} Tm (${escaped(line)}) Tj ET`).join('\n');
    objects.push(`<</Type/Page/Parent 2 0 R/MediaBox[0 0 ${size[0]} ${size[1]}]/Resources<</Font<</F 3 0 R>>>>/Contents ${5 + 2 * page} 0 R>>`);
    objects.push(`<</Length ${text.length}>>\nstream\n${text}\nendstream`);
  });
  if (locked) objects.push(encrypt);
  let file = '%PDF-1.7\n';
  const offsets = objects.map((object, at) => {
    const offset = file.length;
    file += `${at + 1} 0 obj\n${object}\nendobj\n`;
    return offset;
  });
  const table = file.length;
  const entries = offsets.map((offset) => `${String(offset).padStart(10, '0')} 00000 n \n`).join('');
  const more = locked ? `/Encrypt ${objects.length} 0 R/ID[<00112233445566778899aabbccddeeff><00112233445566778899aabbccddeeff>]` : '';
  file += `xref\n0 ${objects.length + 1}\n0000000000 65535 f \n${entries}trailer\n<</Size ${objects.length + 1}/Root 1 0 R${more}>>\nstartxref\n${table}\n%%EOF\n`;
  return btoa(file);
}

/** A literal string; letters outside ASCII by their number in Latin 1. */
function escaped(line: string): string {
  return line.replaceAll(/[()\\]/gu, '\\$&').replaceAll(/[^ -~]/gu, (letter) => `\\${letter.charCodeAt(0).toString(8).padStart(3, '0')}`);
}
