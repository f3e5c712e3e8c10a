// What was seen, step by step, written as `seen.json` after each of them so that a drive that is ended leaves it too.

import { writeFileSync } from 'node:fs';
import * as path from 'node:path';

const MOST_SECONDS = 180;

export class Seen {
  constructor(out) {
    this.out = out;
    this.steps = [];
    this.parts = {};
  }

  get failures() {
    return [...this.steps.filter((each) => each.failure !== undefined).map((each) => each.name), ...Object.keys(this.parts)];
  }

  /** The steps of one part, which has one window; a step that others build upon ends the part where it fails. */
  part(part, window) {
    return {
      window,
      see: (name, ask) => this.see(part, window, name, ask, false),
      need: (name, ask) => this.see(part, window, name, ask, true),
      shot: (name) => window.page.screenshot({ path: path.join(this.out, `${name}.png`) }),
    };
  }

  async see(part, window, name, ask, isNeeded) {
    const began = Date.now();
    const step = { part, name };
    this.steps.push(step);
    try {
      step.seen = (await within(ask, MOST_SECONDS)) ?? true;
    } catch (error) {
      step.failure = String(error?.message ?? error).replaceAll(/\x1b\[\d+m/g, '').split('\n').slice(0, 12).join('\n');
      await this.keep(step, window);
      if (isNeeded) throw new Error(`what follows needs the step "${name}"`);
      await window?.page.keyboard.press('Escape').catch(() => undefined);
    } finally {
      step.seconds = (Date.now() - began) / 1000;
      this.write();
      const told = step.failure === undefined ? JSON.stringify(step.seen).slice(0, 200) : step.failure;
      console.log(`${step.failure === undefined ? '✓' : '✗'} ${name} (${step.seconds.toFixed(1)} s): ${told}`);
    }
  }

  /** A part that could not go on. */
  stopped(part, error) {
    this.parts[part] = String(error?.message ?? error);
    console.log(`✗ ${part} ended: ${this.parts[part]}`);
    this.write();
  }

  async keep(step, window) {
    if (window === undefined) return;
    const stem = path.join(this.out, `failed-${step.name.replaceAll(/\W+/g, '-')}`);
    await window.page.screenshot({ path: `${stem}.png` }).then(() => (step.screenshot = `${stem}.png`), () => undefined);
    step.log = window.log();
    writeFileSync(`${stem}.log`, step.log);
  }

  write() {
    writeFileSync(path.join(this.out, 'seen.json'), `${JSON.stringify({ steps: this.steps, stopped: this.parts }, null, 2)}\n`);
  }
}

async function within(ask, seconds) {
  let timer;
  const late = new Promise((_, reject) => {
    timer = setTimeout(() => reject(new Error(`not done within ${seconds} s`)), seconds * 1000);
  });
  try {
    return await Promise.race([ask(), late]);
  } finally {
    clearTimeout(timer);
  }
}
