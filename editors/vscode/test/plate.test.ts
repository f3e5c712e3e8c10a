// The page of a plate diagram: nothing in it that its own policy forbids, and what went wrong beside the drawing.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { page } from '../src/platePage';

const SVG = '<svg class="qvr-plate" role="img"><style>.qvr-plate { --ink: red; }</style><g class="node" data-key="mu"></g></svg>';

test('styles and scripts carry the nonce of the policy, and the drawing has none of its own', () => {
  const shown = page(SVG, undefined);
  const nonce = /script-src 'nonce-([^']+)'/.exec(shown)?.[1];
  assert.ok(nonce !== undefined && nonce.length > 20);
  assert.deepEqual(shown.match(/<(style|script)[^>]*>/g), [`<style nonce="${nonce}">`, `<script nonce="${nonce}">`]);
  assert.match(shown, /--ink: red/);
  assert.doesNotMatch(shown, / style="| on[a-z]+="/);
  assert.notEqual(nonce, /script-src 'nonce-([^']+)'/.exec(page(SVG, undefined))?.[1]);
});

test('the nodes keep their keys', () => {
  assert.match(page(SVG, undefined), /data-key="mu"/);
});

test('what is wrong is told beside the last drawing, as text', () => {
  assert.match(page(SVG, 'p has 1 <error>.'), /role="status">p has 1 &lt;error&gt;\. This is the last drawing\.</);
  assert.doesNotMatch(page(SVG, undefined), /role="status"/);
});
