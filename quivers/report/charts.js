// Makes the page's drawings answer: pointing and arrow keys read numbers, dragging, + and − zoom. Nothing is fetched.
'use strict';
(() => {
  const SVG = 'http://www.w3.org/2000/svg';
  const MOST_ZOOM = 200;
  const KEYS = 'Arrow keys read the numbers, plus and minus zoom, 0 shows all.';

  const figure = (value, digits = 4) =>
    value === null || value === undefined ? '–' : String(Number(value.toPrecision(digits))).replace('-', '−');

  const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/';

  /** Draws of two characters each, as quivers/report/packing.py has them. */
  function unpacked(text, [low, high], from = 0, count = text.length / 2) {
    return Array.from({ length: count }, (_, n) => {
      const at = 2 * (from + n);
      const step = 64 * DIGITS.indexOf(text[at]) + DIGITS.indexOf(text[at + 1]);
      return step > 4094 ? null : low + ((high - low) * step) / 4094;
    });
  }

  /** What a packed number can be read to: as many decimals as its steps tell apart. */
  const rounded = (value, [low, high]) => (value === null || high <= low ? value : Number(value.toFixed(Math.min(20, Math.max(0, Math.floor(-Math.log10((high - low) / 4094)))))));

  function element(name, attributes, parent, text) {
    const made = name.includes(':') ? document.createElementNS(SVG, name.slice(4)) : document.createElement(name);
    for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
    if (text !== undefined) made.textContent = text;
    parent?.append(made);
    return made;
  }

  function roundNumbers(low, high, most) {
    const power = 10 ** Math.floor(Math.log10((high - low) / most));
    const step = [1, 2, 5, 10].map((each) => each * power).find((each) => (high - low) / each <= most);
    const found = [];
    for (let n = Math.ceil(low / step - 1e-9); n <= high / step + 1e-9; n++) found.push(n * step);
    return found;
  }

  class Chart {
    constructor(plot) {
      this.plot = plot;
      this.svg = plot.querySelector('svg');
      const { box, x, y, near, s } = JSON.parse(plot.querySelector('script').textContent);
      Object.assign(this, { box, near, series: s, drawn: box });
      s.forEach((each, n) => {
        each.x ??= s[n - 1].x;
        if (each.p) each.y = unpacked(each.p, each.r);
      });
      this.x = this.scale(x);
      this.y = this.scale(y);
      this.zoomsBoth = near === 'xy';
      this.marks = this.svg.querySelector('.marks');
      this.cursor = element('svg:path', { class: 'cursor' }, this.svg);
      this.spot = element('svg:circle', { class: 'spot', r: 4, visibility: 'hidden' }, this.svg);
      this.brush = element('svg:rect', { class: 'brush', visibility: 'hidden' }, this.svg);
      this.tip = element('div', { class: 'tip', hidden: '', 'aria-hidden': 'true' }, plot);
      this.said = element('div', { class: 'said-aloud', role: 'status' }, plot);
      this.at = { series: 0, point: -1 };
      this.wide = this.svg.viewBox.baseVal.width;
      this.buttons();
      this.listen();
      new ResizeObserver(() => this.fit()).observe(plot);
    }

    /** Draws for the width that there is, where that is much less than the chart was made for, in letters of full size. */
    fit() {
      const { width: made, height } = this.svg.viewBox.baseVal;
      const room = this.plot.clientWidth;
      const wide = room < 0.85 * this.wide ? Math.max(220, room) : this.wide;
      if (room === 0 || Math.abs(wide - made) < 2) return;
      const [left, top, width, tall] = this.drawn;
      const side = Math.min(left, 0.4 * wide);
      this.box = [side, top, width + left - side - (this.wide - wide), tall];
      this.svg.setAttribute('viewBox', `0 0 ${wide} ${height}`);
      for (const [name, value] of Object.entries({ x: this.box[0], width: this.box[2] })) this.svg.querySelector('clipPath rect').setAttribute(name, value);
      this.svg.querySelector('.ending')?.setAttribute('x', this.box[0] + this.box[2]);
      for (const text of this.svg.querySelectorAll('.y.axis.rows text')) {
        text.dataset.name ??= text.firstChild.data;
        const [name, most] = [text.dataset.name, Math.floor((side - 8) / 6.3)];
        text.firstChild.data = name.length > most ? `${name.slice(0, most - 1)}…` : name;
        text.setAttribute('x', side - 8);
      }
      this.show([this.x.low, this.x.high], [this.y.low, this.y.high]);
    }

    /** Positions are shares of the axis, of the logarithm's where it is one. */
    scale([low, high, log, label, ticks]) {
      const to = log ? Math.log10 : (value) => value;
      const from = log ? (value) => 10 ** value : (value) => value;
      return { whole: [to(low), to(high)], low: to(low), high: to(high), to, from, log, label, ticks };
    }

    buttons() {
      const tools = element('div', { class: 'tools' }, this.plot);
      const act = [
        ['+', 'Zoom in', () => this.zoom(0.5)],
        ['−', 'Zoom out', () => this.zoom(2)],
        ['↺', 'Show all', () => this.reset()],
      ];
      for (const [sign, label, action] of act) {
        const button = element('button', { type: 'button', tabindex: '-1', title: label, 'aria-label': label }, tools, sign);
        button.addEventListener('click', action);
      }
    }

    listen() {
      const { plot, svg } = this;
      const label = svg.getAttribute('aria-label').split('. ')[0];
      for (const [name, value] of Object.entries({ tabindex: 0, role: 'group', 'aria-label': `${label}. ${KEYS}` })) plot.setAttribute(name, value);
      svg.addEventListener('pointermove', (event) => this.moved(event));
      svg.addEventListener('pointerleave', (event) => event.pointerType === 'touch' || this.hide());
      svg.addEventListener('pointerdown', (event) => {
        if (event.pointerType === 'touch') return this.moved(event);
        if (event.button !== 0) return;
        this.from = this.place(event);
        svg.setPointerCapture(event.pointerId);
        event.preventDefault();
        plot.focus({ preventScroll: true });
      });
      svg.addEventListener('pointerup', (event) => this.dropped(event));
      svg.addEventListener('dblclick', () => this.reset());
      plot.addEventListener('blur', () => this.hide());
      plot.addEventListener('keydown', (event) => this.pressed(event));
    }

    /** Where an event lies, in the drawing's own units. */
    place(event) {
      const { left, top, width, height } = this.svg.getBoundingClientRect();
      const { width: wide, height: tall } = this.svg.viewBox.baseVal;
      return [((event.clientX - left) / width) * wide, ((event.clientY - top) / height) * tall];
    }

    toX = (value) => this.box[0] + (this.box[2] * (this.x.to(value) - this.x.low)) / (this.x.high - this.x.low);
    toY = (value) => this.box[1] + this.box[3] * (1 - (this.y.to(value) - this.y.low) / (this.y.high - this.y.low));

    moved(event) {
      const [x, y] = this.place(event);
      if (this.from) {
        this.stretch(x, y);
        return;
      }
      const [left, top, width, height] = this.box;
      if (x < (this.near === 'y' ? 0 : left) || x > left + width || y < top - 6 || y > top + height + 6) return this.hide();
      this.nearest(x, y);
    }

    stretch(x, y) {
      const [left, top, width, height] = this.box;
      const [a, b] = [this.from[0], x].map((each) => Math.min(left + width, Math.max(left, each))).sort((m, n) => m - n);
      let [c, d] = [top, top + height];
      if (this.zoomsBoth) [c, d] = [this.from[1], y].map((each) => Math.min(d, Math.max(c, each))).sort((m, n) => m - n);
      this.hide();
      for (const [name, value] of Object.entries({ x: a, y: c, width: b - a, height: d - c, visibility: 'visible' })) this.brush.setAttribute(name, value);
      return [a, b, c, d];
    }

    dropped(event) {
      if (!this.from) return;
      const [x, y] = this.place(event);
      const far = Math.abs(x - this.from[0]) > 6 && (!this.zoomsBoth || Math.abs(y - this.from[1]) > 6);
      const [a, b, c, d] = this.stretch(x, y);
      this.from = undefined;
      this.brush.setAttribute('visibility', 'hidden');
      if (!far) return;
      const [left, top, width, height] = this.box;
      const along = (scale, share) => scale.low + share * (scale.high - scale.low);
      const xs = [along(this.x, (a - left) / width), along(this.x, (b - left) / width)];
      const ys = this.zoomsBoth ? [along(this.y, 1 - (d - top) / height), along(this.y, 1 - (c - top) / height)] : [this.y.low, this.y.high];
      this.show(xs, ys);
    }

    /** Zooms about the number that is read, else about the middle. */
    zoom(factor) {
      const point = this.at.point >= 0 ? this.series[this.at.series] : undefined;
      const part = (scale, value) => {
        const [low, high] = scale.whole;
        const wide = Math.min(high - low, (scale.high - scale.low) * factor);
        const middle = value === undefined ? (scale.low + scale.high) / 2 : scale.to(value);
        const start = Math.min(high - wide, Math.max(low, middle - wide / 2));
        return [start, start + wide];
      };
      this.show(part(this.x, point?.x[this.at.point]), this.zoomsBoth ? part(this.y, point?.y[this.at.point]) : [this.y.low, this.y.high]);
    }

    reset() {
      this.show(this.x.whole, this.y.whole);
    }

    show(xs, ys) {
      for (const [scale, [low, high]] of [[this.x, xs], [this.y, ys]]) {
        if (high - low < (scale.whole[1] - scale.whole[0]) / MOST_ZOOM) return;
        [scale.low, scale.high] = [low, high];
      }
      const [left, top, width, height] = this.box;
      const part = (scale) => {
        const [low, high] = scale.whole;
        return [(high - low) / (scale.high - scale.low), (scale.low - low) / (high - low), (high - scale.high) / (high - low)];
      };
      const [[sx, fromLeft], [sy, , fromTop]] = [part(this.x), part(this.y)];
      const [drawnLeft, , drawnWidth] = this.drawn;
      const across = (sx * width) / drawnWidth;
      this.marks.setAttribute('transform', `matrix(${across} 0 0 ${sy} ${left - across * (drawnLeft + fromLeft * drawnWidth)} ${top - sy * (top + fromTop * height)})`);
      this.plot.classList.toggle('zoomed', sx > 1.0001 || sy > 1.0001);
      this.axis('x', this.x, Math.max(4, Math.floor(width / (width < 300 ? 50 : 60))));
      this.axis('y', this.y, Math.max(2, Math.floor(height / 32)));
      this.hide();
    }

    /** Shows other numbers in the same lines or steps: `ys` of each, between `ends` of the y axis, under another title. */
    take(ys, ends, title, told) {
      const [left, top, width, height] = this.drawn;
      Object.assign(this.y, { whole: ends, low: ends[0], high: ends[1] });
      [this.x.low, this.x.high] = this.x.whole;
      const x = (value) => (left + (width * (this.x.to(value) - this.x.low)) / (this.x.high - this.x.low)).toFixed(1);
      const y = (value) => (top + height * (1 - (value - ends[0]) / (ends[1] - ends[0]))).toFixed(1);
      const lines = this.svg.querySelectorAll('.marks .line, .marks .step');
      ys.forEach((own, n) => {
        const each = this.series[n];
        const step = lines[n].matches('.step');
        each.y = own;
        const wide = (this.x.whole[1] - this.x.whole[0]) / own.length;
        const d = own.map((value, i) => (value === null ? '' : step ? `V${y(value)}H${x(this.x.whole[0] + (i + 1) * wide)}` : `${i && own[i - 1] !== null ? 'L' : 'M'}${x(each.x[i])} ${y(value)}`));
        lines[n].setAttribute('d', step ? `M${x(this.x.whole[0])} ${y(own[0])}${d.join('')}` : d.join(''));
      });
      this.plot.closest('figure').querySelector('b').textContent = title;
      this.svg.setAttribute('aria-label', `${title}. ${told}`);
      this.plot.setAttribute('aria-label', `${title}. ${KEYS}`);
      this.at = { series: 0, point: -1 };
      this.show(this.x.whole, this.y.whole);
      return y;
    }

    axis(name, scale, most) {
      if (!scale.ticks) return;
      const [left, top, width, height] = this.box;
      const axis = this.svg.querySelector(`.${name}.axis`);
      axis.textContent = '';
      const across = name === 'x';
      if (across) element('svg:path', { class: 'base', d: `M${left} ${top + height}h${width}` }, axis);
      const wide = scale.high - scale.low;
      let values = roundNumbers(scale.low, scale.high, most);
      if (scale.log) {
        const low = Math.floor(scale.low);
        const parts = wide > 3 ? [1] : [1, 2, 5];
        const powers = [];
        for (let n = low; n <= scale.high; n++) powers.push(...parts.map((each) => n + Math.log10(each)));
        const inside = powers.filter((each) => each >= scale.low && each <= scale.high);
        if (inside.length > 1) values = inside;
      }
      for (const value of values) {
        const share = (value - scale.low) / wide;
        const place = across ? left + width * share : top + height * (1 - share);
        const d = across ? `M${place} ${top + height}v4` : `M${left} ${place}h${width}`;
        element('svg:path', across ? { d } : { d, class: 'grid' }, axis);
        const at = across ? { x: place, y: top + height + 16 } : { x: left - 6, y: place + 3.5 };
        element('svg:text', at, axis, figure(scale.from(value), wide < Math.abs(value) / 500 ? 7 : 4));
      }
    }

    /** The point nearest to a place: along x, along y, or both ways. */
    nearest(x, y) {
      let [best, series, point] = [Infinity, -1, -1];
      const [ax, ay] = { x: [1, 0.001], y: [0.001, 1], xy: [1, 1] }[this.near];
      this.series.forEach((each, n) => {
        for (let i = 0; i < each.x.length; i++) {
          if (each.x[i] === null || each.y[i] === null) continue;
          const away = ax * Math.abs(this.toX(each.x[i]) - x) + ay * Math.abs(this.toY(each.y[i]) - y);
          if (away < best) [best, series, point] = [away, n, i];
        }
      });
      if (series >= 0 && (this.near !== 'xy' || best < 40)) this.tell(series, point);
      else this.hide();
    }

    text(series, point) {
      const { t, n } = series;
      if (t) return [t[point]];
      const x = series.x[point];
      const head = `${this.x.label || 'at'} ${figure(x)}`;
      if (this.near !== 'x') return [n, head, `${this.y.label || ''} ${figure(series.y[point])}`];
      const told = this.series.map((each) => {
        const i = each === series ? point : each.x.indexOf(x);
        if (i < 0) return '';
        const value = each.h ? `${figure(each.y[i])} to ${figure(each.h[i])}` : figure(each.r ? rounded(each.y[i], each.r) : each.y[i]);
        return `${each.n}: ${value}`;
      });
      return [head, ...told.filter(Boolean)];
    }

    tell(n, point, aloud = false) {
      const series = this.series[n];
      this.at = { series: n, point };
      const [x, y] = [this.toX(series.x[point]), this.toY(series.y[point])];
      const lines = this.text(series, point);
      this.tip.textContent = '';
      for (const line of lines) element('div', {}, this.tip, line);
      this.tip.hidden = false;
      const [left, top, width, height] = this.box;
      this.cursor.setAttribute('d', this.near === 'y' ? `M${left} ${y}h${width}` : `M${x} ${top}v${height}`);
      for (const [name, value] of Object.entries({ cx: x, cy: y, visibility: 'visible' })) this.spot.setAttribute(name, value);
      const { width: wide } = this.svg.viewBox.baseVal;
      const { width: shown } = this.svg.getBoundingClientRect();
      const px = (x / wide) * shown;
      const right = px + this.tip.offsetWidth + 18 > shown;
      this.tip.style.left = `${Math.max(0, right ? px - this.tip.offsetWidth - 12 : px + 12)}px`;
      this.tip.style.top = `${Math.max(0, (y / wide) * shown - (this.near === 'y' ? this.tip.offsetHeight + 8 : 0))}px`;
      if (aloud) this.said.textContent = lines.join(', ');
    }

    hide() {
      this.tip.hidden = true;
      this.cursor.removeAttribute('d');
      this.spot.setAttribute('visibility', 'hidden');
    }

    pressed(event) {
      const step = event.shiftKey ? 10 : 1;
      const act = {
        ArrowRight: () => this.walk(this.near === 'y' ? 0 : step, 0),
        ArrowLeft: () => this.walk(this.near === 'y' ? 0 : -step, 0),
        ArrowUp: () => this.walk(this.near === 'y' ? step : 0, this.near === 'y' ? 0 : -1),
        ArrowDown: () => this.walk(this.near === 'y' ? -step : 0, this.near === 'y' ? 0 : 1),
        Home: () => this.walk(-Infinity, 0),
        End: () => this.walk(Infinity, 0),
        '+': () => this.zoom(0.5),
        '=': () => this.zoom(0.5),
        '-': () => this.zoom(2),
        0: () => this.reset(),
        Escape: () => this.hide(),
      }[event.key];
      if (act === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      act();
    }

    /** To the next point along x (in rows: up), or to the next series. */
    walk(points, toSeries) {
      const n = Math.min(this.series.length - 1, Math.max(0, this.at.series + toSeries));
      const { x, y } = this.series[n];
      const along = this.near === 'y' ? y : x;
      const order = [...along.keys()].filter((i) => x[i] !== null && y[i] !== null).sort((i, k) => along[i] - along[k]);
      if (order.length === 0) return;
      const now = order.indexOf(this.at.point);
      const place = this.at.point < 0 ? (points < 0 ? order.length - 1 : 0) : Math.min(order.length - 1, Math.max(0, now + points));
      this.tell(n, order[place], true);
    }
  }

  const charts = new Map();
  for (const plot of document.querySelectorAll('.plot')) charts.set(plot, new Chart(plot));

  /** Shows the chosen element of a site in its trace and its ranks. */
  for (const place of document.querySelectorAll('.mixed')) {
    const list = place.querySelector('select');
    if (!list) continue;
    const { every, chains, e: elements } = JSON.parse(place.querySelector('.drawn').textContent);
    const [trace, ranks] = [...place.querySelectorAll('.plot')].map((plot) => charts.get(plot));
    list.addEventListener('change', () => {
      const { n: name, t: told, r: range, y: ends, p: draws, c: counts, b: band } = elements[list.value];
      const count = draws.length / 2 / chains;
      for (const each of trace.series) {
        each.x = Array.from({ length: count }, (_, i) => 1 + i * every);
        each.r = range;
      }
      trace.take(Array.from({ length: chains }, (_, chain) => unpacked(draws, range, chain * count, count)), ends, `Trace of ${name}`, `${told}.`);
      trace.svg.querySelector('text.label:not(.ending)').textContent = trace.y.label = name;
      if (!ranks) return;
      const even = counts[0].reduce((sum, each) => sum + each, 0) / counts[0].length;
      const y = ranks.take(counts, [0, 1.05 * Math.max(...counts.flat(), band[1], 2 * even)], `Ranks of ${name}`, `${told}.`);
      const [left, , width] = ranks.drawn;
      ranks.svg.querySelector('.marks .band').setAttribute('d', `M${left} ${y(band[1])}h${width}V${y(band[0])}h${-width}Z`);
      ranks.svg.querySelector('.marks .across').setAttribute('d', `M${left} ${y(even)}h${width}`);
    });
  }
  document.documentElement.classList.add('live');
})();
