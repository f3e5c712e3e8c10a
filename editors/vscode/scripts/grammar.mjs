// Writes the TextMate grammars from the table of scopes; `--check` only says whether they are up to date.
import { readFileSync, writeFileSync } from 'node:fs';
import { grammar, markdown } from './scopes.mjs';

const files = [
  ['../syntaxes/qvr.tmLanguage.json', grammar],
  ['../syntaxes/qvr.markdown.tmLanguage.json', markdown],
];
for (const [path, content] of files) {
  const file = new URL(path, import.meta.url);
  const text = `${JSON.stringify(content, null, 2)}\n`;
  if (process.argv.includes('--check')) {
    if (readFileSync(file, 'utf8') !== text) {
      console.error(`${path} does not fit the table of scopes: run npm run grammar`);
      process.exitCode = 1;
    }
  } else {
    writeFileSync(file, text);
  }
}
