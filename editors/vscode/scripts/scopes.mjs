// The one table that the TextMate grammar is made from: which words and signs have which scope.
// `npm run grammar` writes the grammars anew; tests compare the words with the language's own lists, and the
// scopes with what tree-sitter's queries call each token.

export const WORDS = [
  { scope: 'keyword.declaration.qvr', words: ['object', 'data', 'program', 'define', 'export'] },
  { scope: 'keyword.other.step.qvr', words: ['sample', 'observe', 'let', 'marginalize', 'score'] },
  { scope: 'keyword.control.return.qvr', words: ['return'] },
  { scope: 'keyword.control.conditional.qvr', words: ['if', 'then', 'else'] },
  { scope: 'keyword.control.binder.qvr', words: ['factor', 'scan', 'in'] },
  { scope: 'keyword.operator.word.qvr', words: ['and', 'or', 'not'] },
];

// Spaces that no one has to declare.
export const SPACES = ['FinSet', 'Real', 'Int', 'Nat', 'Bool', 'Simplex', 'Ordered', 'CholeskyCorr', 'Correlation', 'Covariance'];

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

// What a name is called by the place where it stands.
const TYPE = 'entity.name.type.qvr';
const FUNCTION = 'entity.name.function.qvr';
const FAMILY = 'support.function.family.qvr';
const PARAMETER = 'variable.parameter.qvr';
const ARGUMENT = 'variable.other.property.argument.qvr';
const OPTION = 'variable.other.property.option.qvr';
const LABEL = 'variable.other.property.label.qvr';
const DEFINED = 'variable.other.definition.qvr';
const VARIABLE = 'variable.other.qvr';
const PARENS = 'punctuation.section.parens.qvr';
const SQUARE = 'punctuation.section.brackets.qvr';
const COLON = 'punctuation.separator.qvr';
const DRAW = 'keyword.operator.draw.qvr';
const EQUALS = 'keyword.operator.assignment.qvr';

// A name's characters, as the language's grammar has them; `\b` knows neither subscripts nor accents.
const PART = '\\p{XID_Continue}₀-₉';
export const NAME = `[\\p{XID_Start}_][${PART}]*`;
const word = (inner) => `(?<![${PART}])(?:${inner})(?![${PART}])`;
const escaped = (sign) => sign.replace(/[.*+?^${}()|[\]\\]/g, '\\$&');
const one = (signs) => signs.map(escaped).join('|');
const keywords = WORDS.flatMap((entry) => entry.words);
const notKeyword = `(?!(?:${keywords.join('|')})(?![${PART}]))`;
const aName = `(?<![${PART}])${notKeyword}${NAME}`;
const scopeOf = (given) => WORDS.find((entry) => entry.words.includes(given)).scope;

// What starts a line of its own ends every bracket that somebody has not closed yet.
const lineStarts = WORDS.slice(0, 3).flatMap((entry) => entry.words);
const newLine = `(?=^\\s*(?:(?:${lineStarts.join('|')})(?![${PART}])|${NAME}\\s*(?::[^#()\\[\\]]*)?(?:<-|←)))`;
const lineEnd = `$|${newLine}`;

const include = (...names) => names.map((name) => ({ include: `#${name}` }));
const named = (scope, match) => ({ name: scope, match });
const marked = (...names) => Object.fromEntries(names.flatMap((name, at) => (name === undefined ? [] : [[at, { name }]])));

/** A pair of brackets over one line or more, with what may stand in it. */
const brackets = (open, close, scope, patterns) => ({
  begin: escaped(open),
  beginCaptures: marked(scope),
  end: `(${escaped(close)})|${newLine}`,
  endCaptures: marked(undefined, scope),
  patterns,
});

/** A line that begins with a word of the language and a name, up to its end. */
const line = (words, scope, patterns) => ({
  begin: `(?<![${PART}])(${words.join('|')})(?![${PART}])${scope === undefined ? '' : `(?:\\s+(${NAME}))?`}`,
  beginCaptures: marked(undefined, scopeOf(words[0]), scope),
  end: lineEnd,
  patterns,
});

/** Spaces or a plate after a colon, up to what ends them. */
const afterColon = (end, patterns) => ({
  begin: ':',
  beginCaptures: marked(COLON),
  end: `${end}|${newLine}`,
  patterns: [...patterns, ...include('comments')],
});

/** The names that a word binds over objects, up to `in`. */
const binder = (start, patterns) => ({
  begin: word(start),
  beginCaptures: marked(scopeOf(start)),
  end: `(${word('in')})|(?=[)\\]])|${newLine}`,
  endCaptures: marked(undefined, scopeOf('in')),
  patterns,
});

export const grammar = {
  $schema: 'https://raw.githubusercontent.com/martinring/tmlanguage/master/tmlanguage.json',
  information_for_contributors: ['Written by scripts/grammar.mjs from the table in scripts/scopes.mjs.'],
  name: 'QVR',
  scopeName: 'source.qvr',
  fileTypes: ['qvr'],
  patterns: include('comments', 'declarations', 'steps', 'expressions'),
  repository: {
    comments: {
      patterns: [
        named('comment.line.documentation.qvr', '##(?!#).*$'),
        named('comment.line.number-sign.qvr', '#.*$'),
      ],
    },

    declarations: {
      patterns: [
        line(['object'], TYPE, include('comments', 'spaces')),
        line(['data'], DEFINED, include('comments', 'spaces')),
        line(['program'], FUNCTION, [
          ...include('comments'),
          afterColon('(?=$)', include('spaces')),
          brackets('(', ')', PARENS, [
            ...include('comments'),
            named(PARAMETER, `${aName}(?=\\s*:)`),
            afterColon('(?=[,)])', include('spaces')),
            ...include('expressions'),
          ]),
          ...include('expressions'),
        ]),
        line(['define'], FUNCTION, include('comments', 'compositions')),
        line(['export'], FUNCTION, include('comments', 'expressions')),
      ],
    },
    compositions: {
      patterns: [
        brackets('(', ')', PARENS, include('comments', 'compositions')),
        named(FUNCTION, aName),
        ...include('expressions'),
      ],
    },

    spaces: {
      patterns: [
        brackets('(', ')', PARENS, include('comments', 'spaces')),
        ...include('options'),
        named('support.type.qvr', word(SPACES.join('|'))),
        named(TYPE, aName),
        ...include('expressions'),
      ],
    },
    options: brackets('[', ']', SQUARE, [
      ...include('comments', 'effects', 'over'),
      {
        begin: `(${aName})\\s*(=)`,
        beginCaptures: marked(undefined, OPTION, EQUALS),
        end: `(?=[,\\]])|${newLine}`,
        patterns: include('comments', 'expressions'),
      },
      named(OPTION, aName),
      ...include('expressions'),
    ]),
    effects: {
      begin: `(${word('effects')})\\s*(=)\\s*(\\[)`,
      beginCaptures: marked(undefined, OPTION, EQUALS, SQUARE),
      end: `(\\])|${newLine}`,
      endCaptures: marked(undefined, SQUARE),
      patterns: [
        ...include('comments'),
        named('constant.language.effect.qvr', aName),
        ...include('expressions'),
      ],
    },
    over: {
      match: `(${word('over')})\\s*(=)\\s*(${aName})(?=\\s*[,)\\]])`,
      captures: marked(undefined, OPTION, EQUALS, TYPE),
    },

    steps: {
      patterns: [
        line(['sample', 'observe', 'marginalize'], DEFINED, include('comments', 'plates', 'draws', 'expressions')),
        line(['let', 'score'], DEFINED, include('comments', 'expressions')),
        line(['return'], undefined, include('comments', 'expressions')),
        {
          // A draw may do without its word.
          begin: `^\\s*(${aName})(?=\\s*(?::|<-|←))`,
          beginCaptures: marked(undefined, DEFINED),
          end: lineEnd,
          patterns: include('comments', 'plates', 'draws', 'expressions'),
        },
      ],
    },
    plates: afterColon('(?=<-|←|$)', [named(TYPE, aName), ...include('expressions')]),
    draws: {
      begin: '<-|←',
      beginCaptures: marked(DRAW),
      end: `(?=$)|${newLine}`,
      patterns: [
        ...include('comments', 'options', 'arguments'),
        named(FAMILY, aName),
        ...include('expressions'),
      ],
    },

    expressions: {
      patterns: [
        binder('factor', include('comments', 'bound', 'expressions')),
        binder('scan', [
          ...include('comments', 'bound'),
          {
            match: `(,)\\s*(${aName})\\s*(=)(?!=)`,
            captures: marked(undefined, COLON, PARAMETER, EQUALS),
          },
          ...include('expressions'),
        ]),
        ...include('words', 'arguments', 'indices'),
        named('entity.name.function.call.qvr', `${aName}(?=\\s*\\()`),
        ...include('numbers', 'signs'),
        named(VARIABLE, aName),
        named(SQUARE, '\\]'),
        named(PARENS, '\\)'),
      ],
    },
    bound: {
      match: `(${aName})\\s*(:)(?:\\s*(${aName}))?`,
      captures: marked(undefined, PARAMETER, COLON, TYPE),
    },
    arguments: brackets('(', ')', PARENS, [
      ...include('comments', 'over'),
      { match: `(${aName})\\s*(=)(?!=)`, captures: marked(undefined, ARGUMENT, EQUALS) },
      named(LABEL, `${aName}(?=\\s*:)`),
      ...include('expressions'),
    ]),
    indices: brackets('[', ']', SQUARE, include('comments', 'expressions')),

    words: { patterns: WORDS.map(({ scope, words }) => named(scope, word(words.join('|')))) },
    numbers: named('constant.numeric.qvr', `(?<![${PART}])(?:\\d+(?:\\.\\d*)?|\\.\\d+)(?:[eE][+-]?\\d+)?`),
    signs: { patterns: SIGNS.map(({ scope, signs }) => named(scope, one(signs))) },
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
