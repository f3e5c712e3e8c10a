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
type Contributed = { scopeName: string; path: string; injectTo?: string[] };
const GRAMMARS = (JSON.parse(readFileSync('package.json', 'utf8')) as { contributes: { grammars: Contributed[] } }).contributes.grammars;

// A Markdown text of its own: the injection must win over what Markdown says of a fence in a language unknown to it.
const MARKDOWN = {
  scopeName: 'text.html.markdown',
  repository: {},
  patterns: [
    { name: 'markup.heading.markdown', match: '^#.*$' },
    {
      name: 'markup.fenced_code.block.markdown',
      begin: '(^|\\G)(\\s*)(`{3,}|~{3,})\\s*(?=([^`]*)?$)',
      end: '(^|\\G)(\\2|\\s{0,3})(\\3)\\s*$',
    },
    { name: 'markup.list.unnumbered.markdown', begin: '(^|\\G)([ ]{0,3})(-)([ \\t])', while: '((^|\\G)([ ]{2,4}|\\t))|(^[ \\t]*$)', patterns: [{ include: '$self' }] },
  ],
};

async function grammar(name = 'source.qvr'): Promise<IGrammar> {
  const engine = readFileSync(require.resolve('vscode-oniguruma/release/onig.wasm'));
  await oniguruma.loadWASM(engine.buffer.slice(engine.byteOffset, engine.byteOffset + engine.byteLength) as ArrayBuffer);
  const registry = new textmate.Registry({
    onigLib: Promise.resolve({
      createOnigScanner: (sources) => new oniguruma.OnigScanner(sources),
      createOnigString: (text) => new oniguruma.OnigString(text),
    }),
    getInjections: (scope) => injections(scope),
    loadGrammar: async (scope) => {
      if (scope === MARKDOWN.scopeName) return textmate.parseRawGrammar(JSON.stringify(MARKDOWN), 'markdown.json');
      const file = GRAMMARS.find((each) => each.scopeName === scope)?.path ?? assert.fail(`no grammar ${scope}`);
      return textmate.parseRawGrammar(readFileSync(file, 'utf8'), file);
    },
  });
  const loaded = await registry.loadGrammar(name);
  assert(loaded !== null);
  return loaded;
}

/** What the manifest injects into a language. */
function injections(scope: string): string[] {
  return GRAMMARS.filter((each) => each.injectTo?.includes(scope)).map((each) => each.scopeName);
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
    ['School', 'entity.name.type.qvr'],
    ['<-', 'keyword.operator.draw.qvr'],
    ['Normal', 'support.function.family.qvr'],
  ]);
  assert.deepEqual(found.find(([text]) => text === 'scale')?.[1], 'variable.other.property.argument.qvr');
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

const FENCES: [text: string, models: boolean[]][] = [
  ['```qvr\nsample mu <- Normal(0, 1)\n```\nsample x', [false, true, false, false]],
  ['~~~~ QVR {.numberLines}\nsample x\n~~~\nsample x\n~~~~\nsample x', [false, true, false, true, false, false]],
  ['- as in\n\n  ```qvr title="a"\n  sample x\n  ```\n\n  sample x', [false, false, false, true, false, false, false]],
  ['```qvr\nlet x = f(\n```\nsample x\n# sample', [false, true, false, false, false]],
  ['```python\nsample x\n```\n```qvrs\nsample x\n```\nsample x', [false, false, false, false, false, false, false]],
  ['```qvr\n```\nsample x', [false, false, false]],
];

test('a fence of Markdown is read as a model up to its end, and no other text is', async () => {
  const loaded = await grammar('text.html.markdown');
  for (const [text, models] of FENCES) {
    let state: import('vscode-textmate').StateStack | null = null;
    const found = text.split('\n').map((line) => {
      const { tokens, ruleStack } = loaded.tokenizeLine(line, state);
      state = ruleStack;
      return tokens.some(({ scopes: all }) => all.includes('meta.embedded.block.qvr') && all.includes('keyword.other.step.qvr'));
    });
    assert.deepEqual(found, models, text);
  }
});

test('an open bracket or a half line colours nothing of the next step', async () => {
  const loaded = await grammar();
  for (const broken of ['let x = f(a, [', 'sample x : School <- Normal(', 'program p : A -> B [effects=[Sample', 'let x = factor i :', 'sample', 'object A : Real [low=']) {
    const { ruleStack } = loaded.tokenizeLine(broken, null);
    for (const next of ['    observe y : School <- Normal(mu, 1)', '    eta : School <- Normal(mu, 1)', 'object B : FinSet', '    return (mean: mu)']) {
      const scopesOf = (state: import('vscode-textmate').StateStack | null): string[] => loaded.tokenizeLine(next, state).tokens.map((each) => `${each.startIndex} ${each.scopes.join(' ')}`);
      assert.deepEqual(scopesOf(ruleStack), scopesOf(null), `${broken} before ${next}`);
    }
  }
});
