/**
 * The tree-sitter grammar of QVR.
 *
 * Layout is settled by the external scanner from the text alone (src/scanner.c): it knows the open
 * brackets and the open blocks, so a half-typed line ends where its line ends and not somewhere in
 * the next declaration. A line that breaks off (`sample theta : School <-`) is a step all the same,
 * and so the lines around it stay what they are. What this grammar lets pass and the language does
 * not, quivers/syntax refuses with a sentence: half lines, chains of comparisons, keywords as names.
 */

/// <reference types="tree-sitter-cli/dsl" />
// @ts-check

/** One or more `rule`, separated by commas; a last comma is allowed. */
const listed = (rule) => seq(rule, repeat(seq(',', rule)), optional(','));

/** A binary operator at one level of precedence, shown in the tree as `binary_expression`. */
const operation = (left, operator, right) =>
  seq(field('left', left), field('operator', operator), field('right', right));

module.exports = grammar({
  name: 'qvr',

  word: ($) => $.identifier,

  externals: ($) => [
    $._newline,
    $._indent,
    $._dedent,
    $._line_break,
    $._open_parenthesis,
    $._close_parenthesis,
    $._open_bracket,
    $._close_bracket,
  ],

  // Every white space but CR and LF; those two are the scanner's.
  extras: ($) => [
    /[ \t\f\u000B\u0085\u00A0\u1680\u2000-\u200A\u2028\u2029\u202F\u205F\u3000\uFEFF]+/,
    $._line_break,
    $.comment,
    $.documentation,
  ],

  supertypes: ($) => [$._declaration, $._step],

  rules: {
    source_file: ($) =>
      seq(optional($._newline), optional(seq($._declaration, repeat(seq($._newline, $._declaration))))),

    comment: () => token(choice(/#([^#\r\n][^\r\n]*)?/, /###[^\r\n]*/)),
    documentation: () => token(/##([^#\r\n][^\r\n]*)?/),

    // ------------------------------------------------------------ declarations

    _declaration: ($) =>
      choice(
        $.object_declaration,
        $.data_declaration,
        $.program_declaration,
        $.define_declaration,
        $.export_declaration,
      ),

    object_declaration: ($) =>
      seq('object', field('name', $.identifier), optional(seq(':', field('space', $._space)))),

    data_declaration: ($) =>
      seq(
        'data',
        field('name', $.identifier),
        optional(seq(':', field('space', choice($._space, $.space_map)))),
      ),

    program_declaration: ($) =>
      seq(
        'program',
        field('name', $.identifier),
        optional(field('parameters', $.parameters)),
        optional(
          seq(
            ':',
            field('domain', $._space),
            optional(
              seq($._arrow, field('codomain', $._plain_space), repeat(field('options', $.options))),
            ),
          ),
        ),
        optional(field('body', $.block)),
      ),

    parameters: ($) => seq($._open, optional(listed($.parameter)), $._close),
    parameter: ($) => seq(field('name', $.identifier), ':', field('space', $._space)),

    define_declaration: ($) =>
      seq(
        'define',
        field('name', $.identifier),
        optional(seq('=', field('composition', $._composition))),
      ),

    export_declaration: ($) => seq('export', field('name', $.identifier)),

    _composition: ($) => choice($.sequential_composition, $._composition_product),
    _composition_product: ($) => choice($.parallel_composition, $._composition_atom),
    _composition_atom: ($) => choice($.identifier, $.parenthesized_composition),
    sequential_composition: ($) => operation($._composition, '>>', $._composition_product),
    parallel_composition: ($) => operation($._composition_product, $._times, $._composition_atom),
    parenthesized_composition: ($) => seq($._open, $._composition, $._close),

    // ------------------------------------------------------------------ spaces

    space_map: ($) => seq(field('source', $._space), $._arrow, field('target', $._space)),

    _space: ($) => choice($.space_product, $._space_factor),
    _space_factor: ($) => choice($.space, $.parenthesized_space),
    parenthesized_space: ($) => seq($._open, $._space, $._close),
    space_product: ($) => seq($._space_factor, repeat1(seq($._times, $._space_factor))),
    space: ($) => seq($._space_head, repeat(field('options', $.options))),
    _space_head: ($) => seq(field('name', $.identifier), optional(field('argument', $._space_argument))),
    _space_argument: ($) => choice($.number, $.identifier),

    // A program's codomain, where `[…]` belongs to the header.
    _plain_space: ($) => choice(alias($._plain_product, $.space_product), $._plain_factor),
    _plain_factor: ($) => choice(alias($._space_head, $.space), $.parenthesized_space),
    _plain_product: ($) => seq($._plain_factor, repeat1(seq($._times, $._plain_factor))),

    // ----------------------------------------------------------------- options

    options: ($) => seq($._open_square, listed($.option), $._close_square),
    option: ($) =>
      seq(field('name', $.identifier), optional(seq('=', field('value', choice($._expression, $.list))))),
    list: ($) => seq($._open_square, optional(listed($._expression)), $._close_square),

    // ------------------------------------------------------------------- steps

    block: ($) => seq($._indent, $._step, repeat(seq($._newline, $._step)), $._dedent),

    _step: ($) =>
      choice(
        $.sample_step,
        $.observe_step,
        $.let_step,
        $.marginalize_step,
        $.score_step,
        $.return_step,
      ),

    sample_step: ($) =>
      choice(seq('sample', $._drawn, optional($._draw)), seq($._drawn, $._draw)),
    observe_step: ($) => seq('observe', $._drawn, optional($._draw)),
    marginalize_step: ($) =>
      seq('marginalize', $._drawn, optional($._draw), optional(field('body', $.block))),
    let_step: ($) => seq('let', $._bound),
    score_step: ($) => seq('score', $._bound),
    return_step: ($) => seq('return', field('value', choice($._expression, $.labelled_values))),

    _bound: ($) => seq(field('name', $.identifier), optional(seq('=', field('value', $._expression)))),
    _drawn: ($) => seq(field('name', $.identifier), optional(seq(':', field('plate', $.plate)))),
    _draw: ($) =>
      seq($._assign, field('draw', choice($.call, $.identifier)), repeat(field('options', $.options))),

    plate: ($) => seq($.identifier, repeat(seq($._times, $.identifier))),

    labelled_values: ($) => seq($._open, listed($.labelled_value), $._close),
    labelled_value: ($) => seq(field('label', $.identifier), ':', field('value', $._expression)),

    // ------------------------------------------------------------- expressions

    _expression: ($) =>
      choice($.if_expression, $.factor_expression, $.scan_expression, $._disjunction),

    if_expression: ($) =>
      seq(
        'if',
        field('condition', $._expression),
        'then',
        field('consequence', $._expression),
        'else',
        field('alternative', $._expression),
      ),

    factor_expression: ($) =>
      seq('factor', $.binder, repeat(seq(',', $.binder)), 'in', field('body', $._expression)),

    scan_expression: ($) =>
      seq(
        'scan',
        field('binder', $.binder),
        ',',
        field('state', $.identifier),
        '=',
        field('initial', $._expression),
        'in',
        field('body', $._expression),
      ),

    binder: ($) => seq(field('name', $.identifier), ':', field('object', $.identifier)),

    _disjunction: ($) => choice(alias($._or, $.binary_expression), $._conjunction),
    _or: ($) => operation($._disjunction, 'or', $._conjunction),

    _conjunction: ($) => choice(alias($._and, $.binary_expression), $._negation),
    _and: ($) => operation($._conjunction, 'and', $._negation),

    _negation: ($) => choice(alias($._not, $.unary_expression), $._comparison),
    _not: ($) => seq(field('operator', 'not'), field('operand', $._negation)),

    _comparison: ($) => choice(alias($._compare, $.binary_expression), $._sum),
    _compare: ($) =>
      operation(
        $._comparison,
        choice('==', '!=', '≠', '<', '<=', '≤', '>', '>=', '≥'),
        $._sum,
      ),

    _sum: ($) => choice(alias($._add, $.binary_expression), $._product),
    _add: ($) => operation($._sum, choice('+', '-'), $._product),

    _product: ($) => choice(alias($._multiply, $.binary_expression), $._signed),
    _multiply: ($) => operation($._product, choice('*', '/', '@'), $._signed),

    _signed: ($) => choice(alias($._sign, $.unary_expression), $._power),
    _sign: ($) => seq(field('operator', choice('-', '+')), field('operand', $._signed)),

    _power: ($) => choice(alias($._raise, $.binary_expression), $._postfix),
    _raise: ($) => operation($._postfix, '^', $._signed),

    _postfix: ($) =>
      choice($.call, $.index, $.number, $.identifier, $.tuple, $.parenthesized_expression),

    call: ($) => seq(field('function', $.identifier), field('arguments', $.arguments)),
    arguments: ($) =>
      seq($._open, optional(listed(choice($._expression, $.keyword_argument))), $._close),
    keyword_argument: ($) => seq(field('keyword', $.identifier), '=', field('value', $._expression)),

    index: ($) =>
      seq(field('value', $._postfix), $._open_square, listed(field('index', $._expression)), $._close_square),

    parenthesized_expression: ($) => seq($._open, $._expression, $._close),
    tuple: ($) =>
      seq($._open, $._expression, repeat1(seq(',', $._expression)), optional(','), $._close),

    // ------------------------------------------------------------------ tokens

    identifier: () => /[\p{XID_Start}_][\p{XID_Continue}\u2080-\u2089]*/,
    number: () => /([0-9]+(\.[0-9]*)?|\.[0-9]+)([eE][+-]?[0-9]+)?/,

    _arrow: () => choice('->', '→'),
    _assign: () => choice('<-', '←'),
    _times: () => choice('*', '⊗'),
    _open: ($) => alias($._open_parenthesis, '('),
    _close: ($) => alias($._close_parenthesis, ')'),
    _open_square: ($) => alias($._open_bracket, '['),
    _close_square: ($) => alias($._close_bracket, ']'),
  },
});
