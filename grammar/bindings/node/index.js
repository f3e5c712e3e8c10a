// The QVR language for the package `tree-sitter`: `parser.setLanguage(require('tree-sitter-qvr'))`.

const fs = require('node:fs');
const path = require('node:path');

const root = path.join(__dirname, '..', '..');
const query = (name) => fs.readFileSync(path.join(root, 'queries', `${name}.scm`), 'utf8');

const binding = require('node-gyp-build')(root);

binding.name = 'qvr';
binding.nodeTypeInfo = require('../../src/node-types.json');
binding.HIGHLIGHTS_QUERY = query('highlights');
binding.LOCALS_QUERY = query('locals');
binding.INJECTIONS_QUERY = query('injections');
binding.TAGS_QUERY = query('tags');

module.exports = binding;
