import assert from 'node:assert/strict';
import { test } from 'node:test';
import { callOf, outcomeOf } from '../src/calibration';

const RANGE = { start: { line: 3, character: 11 }, end: { line: 3, character: 14 } };
const MU = { name: 'mu', site: 'mu', verdict: 'calibrated', p: 0.4, beyond: 0, range: RANGE };
const STUDY = { calibrated: true, meaning: 'Posteriors are right.', made: 200, draws: 99, seconds: 2.25, quantities: [MU], failed: [], diverged: 0 };

test('a Python runs the module, and a server without one has the command beside it', () => {
  const python = { origin: 'venv', said: '', command: '/e/bin/python', arguments: ['-m', 'qvr_server'], python: '/e/bin/python' } as const;
  const bare = { origin: 'path', said: '', command: '/e/bin/qvr-lsp', arguments: [] } as const;
  const asked = ['sbc', '/m/a.qvr', '--program', 'f', '--json'];
  assert.deepEqual(callOf({ ...python, arguments: [...python.arguments] }, '/m/a.qvr', 'f'), { command: '/e/bin/python', arguments: ['-m', 'quivers.cli', ...asked] });
  assert.deepEqual(callOf({ ...bare, arguments: [] }, '/m/a.qvr', 'f'), { command: '/e/bin/qvr', arguments: asked });
});

test('a calibrated program passes, with a line for each quantity', () => {
  const found = outcomeOf(JSON.stringify(STUDY), '');
  assert.equal(found.kind, 'passed');
  assert.deepEqual(found.lines, ['mu: calibrated (p = 0.400)', 'Posteriors are right.', '200 replicates in 2.3 s']);
});

test('what is not calibrated fails at its line, the elements of one site together', () => {
  const wrong = ['theta[1]', 'theta[2]'].map((name) => ({ ...MU, name, site: 'theta', verdict: 'too narrow', p: 1.5e-7, beyond: 0.05 }));
  const found = outcomeOf(JSON.stringify({ ...STUDY, calibrated: false, meaning: 'Too narrow.', quantities: [MU, ...wrong] }), '');
  const text = 'theta[1] is too narrow (p = 1.5e-7, 5.0 % beyond the band); theta[2] is too narrow (p = 1.5e-7, 5.0 % beyond the band). Too narrow.';
  assert.deepEqual([found.kind, found.messages], ['failed', [{ text, range: RANGE }]]);
});

test('replicates that could not be fitted fail, though all else is calibrated', () => {
  const failed = [{ replicate: 4, message: 'Some draws of mu are not finite.' }];
  const found = outcomeOf(JSON.stringify({ ...STUDY, calibrated: false, failed }), '');
  assert.deepEqual([found.kind, found.messages.map((each) => each.text)], ['failed', ['1 of 200 replicates could not be fitted. Some draws of mu are not finite.']]);
});

test('a program that cannot be calibrated is an error at its place', () => {
  const diagnostics = [{ code: 'QVR901', message: '`mu` has the improper prior Flat.', range: RANGE }];
  const found = outcomeOf(JSON.stringify({ diagnostics }), '');
  assert.deepEqual(found, { kind: 'errored', messages: [{ text: '`mu` has the improper prior Flat. [QVR901]', range: RANGE }], lines: [] });
});

test('an answer that is none tells the last complaint', () => {
  assert.deepEqual(outcomeOf('', '20 of 200 replicates\nerror: There is not enough memory.\n').messages, [{ text: 'error: There is not enough memory.', range: null }]);
  assert.equal(outcomeOf('', '').messages[0]?.text, 'qvr sbc ended without an answer.');
});
