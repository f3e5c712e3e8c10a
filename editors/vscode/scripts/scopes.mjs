// The one table that the TextMate grammar is made from: which words and signs have which scope.
// `npm run grammar` writes the grammars anew; tests compare the words with the language's own lists.

export const WORDS = [
  { scope: 'keyword.declaration.qvr', words: ['object', 'data', 'program', 'define', 'export'] },
  { scope: 'keyword.other.step.qvr', words: ['sample', 'observe', 'let', 'marginalize', 'score'] },
  { scope: 'keyword.control.return.qvr', words: ['return'] },
  { scope: 'keyword.control.conditional.qvr', words: ['if', 'then', 'else'] },
  { scope: 'keyword.control.binder.qvr', words: ['factor', 'scan', 'in'] },
  { scope: 'keyword.operator.word.qvr', words: ['and', 'or', 'not'] },
  {
    scope: 'support.type.qvr',
    words: [
      'FinSet', 'Real', 'Int', 'Nat', 'Bool',
      'Simplex', 'Ordered', 'CholeskyCorr', 'Correlation', 'Covariance',
    ],
  },
];

// The longest first, since the first that fits is taken.
export const SIGNS = [
  { scope: 'keyword.operator.draw.qvr', signs: ['<-', '←'] },
  { scope: 'keyword.operator.arrow.qvr', signs: ['->', '→'] },
  { scope: 'keyword.operator.composition.qvr', signs: ['>>'] },
  { scope: 'keyword.operator.product.qvr', signs: ['⊗'] },
  { scope: 'keyword.operator.comparison.qvr', signs: ['==', '!=', '≠', '<=', '≤', '>=', '≥', '<', '>'] },
  { scope: 'keyword.operator.arithmetic.qvr', signs: ['+', '-', '*', '/', '^', '@'] },
  { scope: 'keyword.operator.assignment.qvr', signs: ['='] },
  { scope: 'punctuation.separator.qvr', signs: [',', ':'] },
];

export const EFFECTS = ['Sample', 'Score', 'Marginal', 'Pure'];

// A name's characters; subscript digits and combining accents are among them, which `\b` does not know.
const START = '\\p{L}_';
const PART = '\\p{L}\\p{N}\\p{M}_·';
export const NAME = `[${START}][${PART}]*`;
const word = (inner) => `(?<![${PART}])(?:${inner})(?![${PART}])`;
const escaped = (sign) => sign.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const one = (signs) => signs.map(escaped).join('|');
const keywords = WORDS.filter((entry) => !entry.scope.startsWith('support')).flatMap((entry) => entry.words);
const notKeyword = `(?!(?:${keywords.join('|')})(?![${PART}]))`;
const scopeOf = (given) => WORDS.find((entry) => entry.words.includes(given)).scope;

// A declaration or a step with the name that it binds.
const binding = (words, name) => ({
  match: `(?<![${PART}])(${words.join('|')})\\s+${notKeyword}(${NAME})`,
  captures: { 1: { name: scopeOf(words[0]) }, 2: { name } },
});

export const grammar = {
  $schema: 'https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json',
  information_for_contributors: ['Written by scripts/grammar.mjs from the table in scripts/scopes.mjs.'],
  name: 'QVR',
  scopeName: 'source.qvr',
  fileTypes: ['qvr'],
  patterns: [
    { include: '#comments' },
    { include: '#bindings' },
    { include: '#draws' },
    { include: '#effects' },
    { include: '#words' },
    { include: '#arguments' },
    { include: '#calls' },
    { include: '#numbers' },
    { include: '#signs' },
    { include: '#brackets' },
    { include: '#names' },
  ],
  repository: {
    comments: {
      patterns: [
        { name: 'comment.line.documentation.qvr', match: '##(?!#).*$' },
        { name: 'comment.line.number-sign.qvr', match: '#.*$' },
      ],
    },
    bindings: {
      patterns: [
        binding(['object'], 'entity.name.type.qvr'),
        binding(['data'], 'variable.parameter.qvr'),
        binding(['program', 'define', 'export'], 'entity.name.function.qvr'),
        binding(['sample', 'observe', 'let', 'marginalize', 'score'], 'variable.other.definition.qvr'),
      ],
    },
    draws: {
      match: `(<-|←)\\s*${notKeyword}(${NAME})(?=\\s*\\()`,
      captures: {
        1: { name: 'keyword.operator.draw.qvr' },
        2: { name: 'support.function.family.qvr' },
      },
    },
    effects: {
      begin: `${word('effects')}\\s*(=)\\s*(\\[)`,
      beginCaptures: {
        0: { name: 'variable.parameter.option.qvr' },
        1: { name: 'keyword.operator.assignment.qvr' },
        2: { name: 'punctuation.section.brackets.qvr' },
      },
      end: '\\]|$',
      endCaptures: { 0: { name: 'punctuation.section.brackets.qvr' } },
      patterns: [
        { name: 'constant.language.effect.qvr', match: word(EFFECTS.join('|')) },
        { include: '#signs' },
      ],
    },
    words: {
      patterns: WORDS.map(({ scope, words }) => ({ name: scope, match: word(words.join('|')) })),
    },
    arguments: {
      match: `(?<![${PART}])(${NAME})\\s*(=)(?!=)`,
      captures: {
        1: { name: 'variable.parameter.argument.qvr' },
        2: { name: 'keyword.operator.assignment.qvr' },
      },
    },
    calls: { name: 'entity.name.function.call.qvr', match: `(?<![${PART}])${NAME}(?=\\()` },
    numbers: {
      name: 'constant.numeric.qvr',
      match: `(?<![${PART}])(?:\\d+(?:\\.\\d*)?|\\.\\d+)(?:[eE][+-]?\\d+)?`,
    },
    signs: { patterns: SIGNS.map(({ scope, signs }) => ({ name: scope, match: one(signs) })) },
    brackets: {
      patterns: [
        { name: 'punctuation.section.parens.qvr', match: '[()]' },
        { name: 'punctuation.section.brackets.qvr', match: '[\\[\\]]' },
      ],
    },
    names: { name: 'variable.other.qvr', match: NAME },
  },
};

// Models in a fence of a Markdown text.
export const markdown = {
  information_for_contributors: ['Written by scripts/grammar.mjs.'],
  scopeName: 'markdown.qvr.codeblock',
  injectionSelector: 'L:text.html.markdown',
  patterns: [{ include: '#fence' }],
  repository: {
    fence: {
      name: 'markup.fenced_code.block.markdown',
      begin: '(^|\\G)(\\s*)(`{3,}|~{3,})\\s*(?i:(qvr)((?:\\s+|:|,|\\{|\\?)[^`~]*)?$)',
      beginCaptures: {
        3: { name: 'punctuation.definition.markdown' },
        4: { name: 'fenced_code.block.language' },
        5: { name: 'fenced_code.block.language.attributes' },
      },
      end: '(^|\\G)(\\2|\\s{0,3})(\\3)\\s*$',
      endCaptures: { 3: { name: 'punctuation.definition.markdown' } },
      patterns: [
        {
          begin: '(^|\\G)(\\s*)(.*)',
          while: '(^|\\G)(?!\\s*([`~]{3,})\\s*$)',
          contentName: 'meta.embedded.block.qvr',
          patterns: [{ include: 'source.qvr' }],
        },
      ],
    },
  },
};
