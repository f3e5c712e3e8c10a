// Drives the built `.vsix` in a real VS Code, code-server, in Chromium, and says what a user would see.
//
// It writes `seen.json`, screenshots and logs into `--out`, and ends with 1 where something expected was not seen.

import { mkdirSync } from 'node:fs';
import * as path from 'node:path';
import { parseArgs } from 'node:util';
import { calibrating } from './calibrating.mjs';
import { choosing } from './choosing.mjs';
import { Editor } from './editor.mjs';
import { Seen } from './seen.mjs';
import { newcomer, untrusted, withoutQvr } from './starting.mjs';
import { running } from './running.mjs';
import { learning, markdown, writing } from './writing.mjs';

const MOST_MINUTES = 40;
const PARTS = { newcomer, writing, running, learning, calibrating, markdown, withoutQvr, untrusted, choosing };

const { values } = parseArgs({
  options: {
    tools: { type: 'string' }, // the folder that install.sh prints
    python: { type: 'string' }, // a Python that has qvr
    wheels: { type: 'string' }, // a folder with a wheel of qvr
    out: { type: 'string' },
    vsix: { type: 'string', default: new URL('../../dist/qvr.vsix', import.meta.url).pathname },
    chromium: { type: 'string', default: '/usr/bin/chromium' },
    only: { type: 'string', multiple: true, default: Object.keys(PARTS) },
  },
});
for (const each of ['tools', 'python', 'wheels', 'out']) {
  if (values[each] === undefined) {
    console.error(`--${each} is missing; \`make vscode-screens\` gives all that is needed`);
    process.exit(2);
  }
}
const out = path.resolve(values.out);
mkdirSync(out, { recursive: true });
const seen = new Seen(out);
const editor = new Editor({ tools: path.resolve(values.tools), chromium: values.chromium, python: path.resolve(values.python), out });

let isEnding = false;
async function end(why) {
  if (isEnding) return;
  isEnding = true;
  if (why !== undefined) seen.stopped('the drive', new Error(why));
  await editor.close();
  seen.write();
  if (seen.failures.length > 0) console.error(`not seen: ${seen.failures.join('; ')}`);
  process.exit(seen.failures.length > 0 ? 1 : 0);
}
setTimeout(() => void end(`it took more than ${MOST_MINUTES} minutes`), MOST_MINUTES * 60_000).unref();
for (const each of ['SIGINT', 'SIGTERM']) process.on(each, () => void end(`it was ended by ${each}`));

try {
  await editor.start();
  if (!values.only.includes('newcomer')) editor.install(path.resolve(values.vsix));
  for (const name of Object.keys(PARTS).filter((each) => values.only.includes(each))) {
    await PARTS[name](editor, seen, { vsix: path.resolve(values.vsix), wheels: path.resolve(values.wheels) }).catch((error) => seen.stopped(name, error));
  }
  await end();
} catch (error) {
  await end(String(error?.message ?? error));
}
