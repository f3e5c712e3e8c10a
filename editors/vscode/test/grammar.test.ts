import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import { createRequire } from 'node:module';
import * as path from 'node:path';
import { test } from 'node:test';
import type { IGrammar } from 'vscode-textmate';

const require = createRequire(path.join(process.cwd(), 'package.json'));
const textmate = require('vscode-textmate') as typeof import('vscode-textmate');
const oniguruma = require('vscode-oniguruma') as typeof import('vscode-oniguruma');

const EXAMPLES = '../../examples';

async function grammar(name = 'source.qvr'): Promise<IGrammar> {
  const engine = readFileSync(require.resolve('vscode-oniguruma/release/onig.wasm'));
  await oniguruma.loadWASM(engine.buffer.slice(engine.byteOffset, engine.byteOffset + engine.byteLength) as ArrayBuffer);
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (sources) => new oniguruma.OnigScanner(sources),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    loadGrammar: async (scope) => {
      const files: Record<string, string> = { 'source.qvr': 'qvr', 'markdown.qvr.codeblock': 'qvr.markdown' };
      const file = `syntaxes/${files[scope]}.tmLanguage.json`;
      return textmate.parseRawGrammar(readFileSync(file, 'utf8'), file);
    },
  });
  const loaded = await registry.loadGrammar(name);
  assert(loaded !== null);
  return loaded;
}

/** Each word or sign of a line with its innermost scope. */
function scopes(loaded: IGrammar, line: string): [text: string, scope: string][] {
  return loaded
    .tokenizeLine(line, null)
    .tokens.map((each): [string, string] => [line.slice(each.startIndex, each.endIndex).trim(), each.scopes.at(-1) ?? ''])
    .filter(([text]) => text !== '');
}

test('a step has its word, its name, its plate, its arrow and its family', async () => {
  const found = scopes(await grammar(), '    sample theta : School <- Normal(mu, scale=tau)  # centred');
  assert.deepEqual(found.slice(0, 6), [
    ['sample', 'keyword.other.step.qvr'],
    ['theta', 'variable.other.definition.qvr'],
    [':', 'punctuation.separator.qvr'],
    ['School', 'variable.other.qvr'],
    ['<-', 'keyword.operator.draw.qvr'],
    ['Normal', 'support.function.family.qvr'],
  ]);
  assert.deepEqual(found.find(([text]) => text === 'scale')?.[1], 'variable.parameter.argument.qvr');
  assert.deepEqual(found.at(-1), ['# centred', 'comment.line.number-sign.qvr']);
});

test('a name that begins or ends like a word of the language is a name', async () => {
  const loaded = await grammar();
  for (const name of ['sample_size', 'in₁', 'not́', 'Realised', 'data2', 'élet']) {
    assert.deepEqual(scopes(loaded, `let x = ${name}`).at(-1), [name, 'variable.other.qvr']);
  }
});

test('letters of any script make names, and signs of the language are told from them', async () => {
  const found = scopes(await grammar(), 'sample θ₁ : Item ⊗ Time ← HalfNormal(1.5e-3)');
  assert.deepEqual(found.map(([text]) => text), ['sample', 'θ₁', ':', 'Item', '⊗', 'Time', '←', 'HalfNormal', '(', '1.5e-3', ')']);
  assert.equal(found[4]?.[1], 'keyword.operator.product.qvr');
  assert.equal(found[9]?.[1], 'constant.numeric.qvr');
});

test('two hashes document, one and three do not', async () => {
  const loaded = await grammar();
  assert.equal(scopes(loaded, '## Mean.')[0]?.[1], 'comment.line.documentation.qvr');
  assert.equal(scopes(loaded, '### Part')[0]?.[1], 'comment.line.number-sign.qvr');
  assert.equal(scopes(loaded, '# note')[0]?.[1], 'comment.line.number-sign.qvr');
});

test('effects are told from programs of these names', async () => {
  const found = scopes(await grammar(), 'program f : A -> B [effects=[Sample, Score]]');
  assert.equal(found.find(([text]) => text === 'Sample')?.[1], 'constant.language.effect.qvr');
  assert.equal(found.find(([text]) => text === 'f')?.[1], 'entity.name.function.qvr');
});

test('nothing in the examples is left without a scope', async () => {
  const loaded = await grammar();
  const folders = readdirSync(EXAMPLES, { withFileTypes: true }).filter((each) => each.isDirectory());
  const models = folders.flatMap(({ name }) => readdirSync(path.join(EXAMPLES, name)).filter((file) => file.endsWith('.qvr')).map((file) => path.join(EXAMPLES, name, file)));
  assert(models.length > 5);
  for (const model of models) {
    for (const line of readFileSync(model, 'utf8').split('\n')) {
      for (const [text, scope] of scopes(loaded, line)) assert.notEqual(scope, 'source.qvr', `${model}: ${text} in ${line}`);
    }
  }
});

test('a fence of Markdown is read as a model, up to its end', async () => {
  const loaded = await grammar('markdown.qvr.codeblock');
  let state: import('vscode-textmate').StateStack | null = null;
  const found = ['```qvr', 'sample mu <- Normal(0, 1)', '```', 'sample'].map((line) => {
    const { tokens, ruleStack } = loaded.tokenizeLine(line, state);
    state = ruleStack;
    return tokens.some((each) => each.scopes.includes('keyword.other.step.qvr'));
  });
  assert.deepEqual(found, [false, true, false, false]);
});
