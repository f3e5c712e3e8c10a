// The scopes that the extension's grammar gives: a JSON list of texts on the standard input becomes a list of
// their tokens, each with its first and its next byte in UTF-8 and its innermost scope.

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const extension = new URL('..', import.meta.url).pathname;
const require = createRequire(`${extension}package.json`);
const textmate = require('vscode-textmate');
const oniguruma = require('vscode-oniguruma');

const engine = readFileSync(require.resolve('vscode-oniguruma/release/onig.wasm'));
await oniguruma.loadWASM(engine.buffer.slice(engine.byteOffset, engine.byteOffset + engine.byteLength));
const registry = new textmate.Registry({
  onigLib: Promise.resolve({
    createOnigScanner: (sources) => new oniguruma.OnigScanner(sources),
    createOnigString: (text) => new oniguruma.OnigString(text),
  }),
  loadGrammar: async () => {
    const file = `${extension}syntaxes/qvr.tmLanguage.json`;
    return textmate.parseRawGrammar(readFileSync(file, 'utf8'), file);
  },
});
const grammar = await registry.loadGrammar('source.qvr');

function tokens(text) {
  const found = [];
  let state = null;
  let offset = 0;
  for (const line of text.split('\n')) {
    const read = grammar.tokenizeLine(line, state);
    state = read.ruleStack;
    for (const { startIndex, endIndex, scopes } of read.tokens) {
      const start = offset + Buffer.byteLength(line.slice(0, startIndex));
      const end = start + Buffer.byteLength(line.slice(startIndex, endIndex));
      found.push([start, end, scopes.at(-1)]);
    }
    offset += Buffer.byteLength(line) + 1;
  }
  return found;
}

console.log(JSON.stringify(JSON.parse(readFileSync(0, 'utf8')).map(tokens)));
