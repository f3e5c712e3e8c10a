import assert from 'node:assert/strict';
import { readFileSync, readdirSync } from 'node:fs';
import * as path from 'node:path';
import { test } from 'node:test';
import { NAME } from '../scripts/scopes.mjs';

interface Language {
  brackets: [string, string][];
  wordPattern: { pattern: string; flags: string };
  indentationRules: { increaseIndentPattern: string; decreaseIndentPattern: string };
  onEnterRules: { beforeText: string; afterText?: string; action: { indent: 'none' | 'indent' | 'outdent' | 'indentOutdent' } }[];
}
const LANGUAGE = JSON.parse(readFileSync('language-configuration.json', 'utf8')) as Language;
const EXAMPLES = '../../examples';
const WIDTH = 4;
const indentOf = (line: string): number => line.length - line.trimStart().length;

/** How far a line is indented that somebody writes under another one, by the order in which VS Code asks its rules. */
function under(line: string, next: string): number {
  const moved = entered(line);
  // A word that begins a declaration moves its line back as soon as it is written, and so does a closing bracket.
  const isBack = LANGUAGE.brackets.some(([, close]) => next.startsWith(close)) || new RegExp(LANGUAGE.indentationRules.decreaseIndentPattern).test(next);
  return isBack ? Math.max(0, moved - WIDTH) : moved;
}

function entered(line: string): number {
  const indent = indentOf(line);
  const rule = LANGUAGE.onEnterRules.find((each) => new RegExp(each.beforeText).test(line));
  if (rule !== undefined) return Math.max(0, indent + ({ none: 0, indent: WIDTH, outdent: -WIDTH, indentOutdent: WIDTH }[rule.action.indent]));
  if (LANGUAGE.brackets.some(([open]) => line.trimEnd().endsWith(open))) return indent + WIDTH;
  return new RegExp(LANGUAGE.indentationRules.increaseIndentPattern).test(line) ? indent + WIDTH : indent;
}

test('each line of each example comes out as it is when it is typed', () => {
  const folders = readdirSync(EXAMPLES, { withFileTypes: true }).filter((each) => each.isDirectory());
  let compared = 0;
  for (const { name } of folders) {
    for (const file of readdirSync(path.join(EXAMPLES, name)).filter((each) => each.endsWith('.qvr'))) {
      const lines = readFileSync(path.join(EXAMPLES, name, file), 'utf8').split('\n');
      for (const [at, next] of lines.entries()) {
        const line = lines[at - 1];
        if (line === undefined || line.trim() === '' || next.trim() === '') continue;
        // Where a marginalised block ends, only who writes it knows.
        if (indentOf(line) > WIDTH && indentOf(next) === WIDTH) continue;
        assert.equal(under(line, next.trimStart()), indentOf(next), `${file}:${at + 1}: ${next}`);
        compared += 1;
      }
    }
  }
  assert(compared > 80);
});

test('comments at the end of a line, and open brackets, change nothing of what the line means', () => {
  for (const [line, indent] of [
    ['program f : A -> B  # the effect (', 4],
    ['program f : A -> B [effects=[Sample]]', 4],
    ['    marginalize z : Row <- Bernoulli(p)', 8],
    ['    sample x <- Normal(', 8],
    ['    sample x <- Normal(  # centred', 8],
    ['    # see (', 4],
    ['    return mu', 0],
    ['    return mu  # the mean (', 0],
    ['    return (', 8],
    ['    return (mean: mu,', 4],
    ['    return (  # both', 8],
    ['    returned <- Normal(0, 1)', 4],
    ['programs', 0],
  ] as const) {
    const isComment = line.trimStart().startsWith('#');
    assert.equal(isComment ? indentOf(line) : entered(line), indent, line);
    if (isComment) assert(LANGUAGE.onEnterRules.every((each) => !new RegExp(each.beforeText).test(line)), line);
  }
});

test('a declaration moves back to the margin, and a name that begins like one does not', () => {
  assert.equal(under('    sample x <- Normal(0, 1)', 'program f : A -> B'), 0);
  assert.equal(under('    sample x <- Normal(0, 1)', 'database <- Normal(0, 1)'), 4);
});

test('a word is what the language calls a name or a number', () => {
  const { pattern, flags } = LANGUAGE.wordPattern;
  const found = 'θ₁ ← Normal(μ·x, 1.5e-3) élet _a sample_size'.match(new RegExp(pattern, `g${flags}`));
  assert.deepEqual(found, ['θ₁', 'Normal', 'μ·x', '1.5e-3', 'élet', '_a', 'sample_size']);
  assert(pattern.endsWith(`|${NAME}`));
});
