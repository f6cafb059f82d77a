import { expect, test } from 'vitest';
import { htmlText } from './htmlText';

test('paragraphs and lines stay, markup does not', () => {
  expect(htmlText('<h1>Befund</h1><p>Tumor  rechts<br>46&nbsp;mm</p><ul><li>a</li><li>b</li></ul>')).toBe('Befund\n\nTumor rechts\n46\u00a0mm\n\na\nb');
});

test('a row of a table is one line', () => {
  expect(htmlText('<table><tr><th>Hb</th><td>12,8</td></tr><tr><td>CRP</td><td>5</td></tr></table>')).toBe('Hb 12,8\nCRP 5');
});

test('scripts, styles and frames have no words', () => {
  expect(htmlText('<head><title>x</title><style>p{}</style></head><body><script>alert(1)</script><iframe srcdoc="<p>y</p>"></iframe><p onclick="z()">gut</p></body>')).toBe('gut');
});

test('a part of a page is read as well', () => {
  expect(htmlText('nur Text')).toBe('nur Text');
  expect(htmlText('')).toBe('');
});
