// Bundles the extension to one file, the panel's view to another; with `--tests` the unit tests.
import { cpSync, mkdirSync, readdirSync, rmSync } from 'node:fs';
import { build } from 'esbuild';

const root = new URL('..', import.meta.url).pathname;
const shared = { absWorkingDir: root, bundle: true, logLevel: 'warning', sourcemap: false };

if (process.argv.includes('--tests')) {
  rmSync(`${root}/build/tests`, { recursive: true, force: true });
  await build({
    ...shared,
    entryPoints: readdirSync(`${root}/test`).filter((name) => name.endsWith('.test.ts')).map((name) => `test/${name}`),
    outdir: 'build/tests',
    outExtension: { '.js': '.mjs' },
    platform: 'node',
    format: 'esm',
    target: 'node20',
    external: ['vscode-textmate', 'vscode-oniguruma', 'happy-dom'],
  });
} else {
  rmSync(`${root}/dist`, { recursive: true, force: true });
  await build({
    ...shared,
    entryPoints: ['src/extension.ts'],
    outfile: 'dist/extension.js',
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    external: ['vscode'],
    minify: true,
  });
  await build({
    ...shared,
    entryPoints: ['src/view/main.ts', 'src/view/panel.css'],
    outdir: 'dist/view',
    platform: 'browser',
    format: 'iife',
    target: 'es2022',
    minify: true,
  });
  mkdirSync(`${root}/dist/example`, { recursive: true });
  for (const ending of ['qvr', 'data.json']) {
    const example = `${root}/../../examples/eight_schools/noncentred.${ending}`;
    cpSync(example, `${root}/dist/example/eight_schools.${ending}`);
  }
}
