// Elements of the page, made without any HTML in text, so that no name of a model can be markup.

import type { FromView } from '../panel/messages';

type Child = Node | string | null;
const SVG = 'http://www.w3.org/2000/svg';

export function element<Name extends keyof HTMLElementTagNameMap>(
  name: Name,
  attributes: Record<string, string> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Name] {
  const made = document.createElement(name);
  fill(made, attributes, children);
  return made;
}

export function drawn(name: string, attributes: Record<string, string>, ...children: Child[]): SVGElement {
  const made = document.createElementNS(SVG, name);
  fill(made, attributes, children);
  return made as SVGElement;
}

/** A button that sends a message, which the root finds on it when it is clicked. */
export function button(text: string, label: string, message: FromView, look = ''): HTMLButtonElement {
  return element('button', { type: 'button', 'aria-label': label, class: look, 'data-sends': JSON.stringify(message) }, text);
}

/** Make what is in `old` what is in `now`. Elements that are of one kind and key stay, and with them the keyboard's
 * place, what is scrolled, and what a screen reader has read. */
export function become(old: Element, now: Element): void {
  for (const { name } of [...old.attributes]) if (!now.hasAttribute(name)) old.removeAttribute(name);
  for (const { name, value } of [...now.attributes]) if (old.getAttribute(name) !== value) old.setAttribute(name, value);
  const [before, after] = [[...old.childNodes], [...now.childNodes]];
  for (const [place, wanted] of after.entries()) {
    const there = before[place];
    if (there === undefined) old.append(wanted);
    else if (!isSame(there, wanted)) there.replaceWith(wanted);
    else if (there instanceof Element && wanted instanceof Element) become(there, wanted);
    else if (there.nodeValue !== wanted.nodeValue) there.nodeValue = wanted.nodeValue;
  }
  for (const spare of before.slice(after.length)) spare.remove();
}

function isSame(one: Node, other: Node): boolean {
  if (one.nodeType !== other.nodeType || one.nodeName !== other.nodeName) return false;
  return !(one instanceof Element && other instanceof Element) || one.getAttribute('data-key') === other.getAttribute('data-key');
}

function fill(made: Element, attributes: Record<string, string>, children: Child[]): void {
  for (const [name, value] of Object.entries(attributes)) {
    if (value !== '') made.setAttribute(name, value);
  }
  made.append(...children.filter((each): each is Node | string => each !== null));
}
