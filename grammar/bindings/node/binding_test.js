// `npm test`, with the package `tree-sitter` beside this one: a model is read, and its names are found.

const assert = require('node:assert');
const { test } = require('node:test');

const Parser = require('tree-sitter');
const qvr = require('.');

test('a program is read without errors', () => {
  const parser = new Parser();
  parser.setLanguage(qvr);
  const tree = parser.parse('program p : A -> A\n    sample x <- Normal(0, 1)\n    return x\n');
  assert.strictEqual(tree.rootNode.hasError, false);
  assert.strictEqual(tree.rootNode.namedChildren[0].type, 'program_declaration');
});

test('the queries fit', () => {
  for (const name of ['HIGHLIGHTS_QUERY', 'LOCALS_QUERY', 'INJECTIONS_QUERY', 'TAGS_QUERY']) {
    assert.ok(new Parser.Query(qvr, qvr[name]));
  }
});
