// The models that are opened.

import { readFileSync } from 'node:fs';
import * as path from 'node:path';

export const ROOT = new URL('../../../../', import.meta.url).pathname;
const read = (name) => readFileSync(path.join(ROOT, 'examples/eight_schools', name), 'utf8');

export const MODEL = read('centred.qvr');
export const NONCENTRED = read('noncentred.qvr');
export const DATA = read('centred.data.json');
export const MISSPELT = MODEL.replace(' Normal(mu, tau)', ' Normol(mu, tau)');
if (MISSPELT === MODEL) throw new Error('the example has no Normal(mu, tau) to misspell');

export const NOTES = `# Notes

A model in prose:

\`\`\`qvr
object School : FinSet 8

program effects : School -> School
    sample mu <- Normal(0.0, 5.0)
    return mu
\`\`\`
`;
