// The dashboard of the admin listener. It lives on the events of /events: "facts" seldom, "history" once, "now" every second.
// Whatever comes from the server is shown as text, never as markup: requests in deaths are strangers' words.
'use strict';

const at = (id) => document.getElementById(id);
const SVG = 'http://www.w3.org/2000/svg';

// -- a person's units

/** Three digits or so: 0.25, 4.2, 17, 1,234. */
function digits(value) {
  const places = value === 0 || value >= 100 ? 0 : value >= 10 ? 1 : 2;
  return Number(value.toFixed(places)).toLocaleString('en');
}
function count(value) {
  for (const [size, unit] of [[1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e4, 'k']]) {
    if (value >= size) return digits(value / (unit === 'k' ? 1e3 : size)) + '\u202f' + unit;
  }
  return digits(value);
}
function bytes(value) {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB', 'PiB'];
  let at = 0;
  for (; value >= 1024 && at < units.length - 1; ++at) value /= 1024;
  return (at === 0 ? Math.round(value) : digits(value)) + '\u202f' + units[at];
}
/** Of microseconds. */
function latency(value) {
  if (value < 1000) return Math.round(value) + '\u202f\u00b5s';
  return value < 1e6 ? digits(value / 1e3) + '\u202fms' : digits(value / 1e6) + '\u202fs';
}
const percent = (value) => (value > 0 && value < 0.01 ? '<0.01' : digits(value)) + '\u202f%';
/** Of seconds: the two largest units. */
function span(seconds) {
  const left = Math.max(0, Math.floor(seconds));
  const parts = [[86400, 'd'], [3600, 'h'], [60, 'min'], [1, 's']];
  const first = parts.findIndex(([size]) => left >= size);
  if (first < 0) return '0\u202fs';
  const [size, unit] = parts[first];
  const next = parts[first + 1];
  const rest = next ? Math.floor((left % size) / next[0]) : 0;
  return Math.floor(left / size) + '\u202f' + unit + (rest ? ' ' + rest + '\u202f' + next[1] : '');
}
const moment = (seconds) => new Date(seconds * 1000).toLocaleString('sv').replace('T', ' ');
const ago = (seconds) => (seconds < 1 ? 'now' : span(seconds) + ' ago');

// -- small pieces of the page

function make(name, className, text) {
  const element = document.createElement(name);
  if (className) element.className = className;
  if (text !== undefined) element.textContent = text;
  return element;
}
/** Touches the page only where something has changed: what somebody has selected stays so. */
function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}
function mark(element, className) {
  if (element.className !== className) element.className = className;
}
const show = (id, text) => write(at(id), text);

/**
 * A table that is kept up to date in place. Columns are {heading, kind}: kind is a class ("number", "mono" ...). A cell is a text,
 * or {text, mood, badge, share}: mood is "good", "warn" or "bad", share (0 to 1) draws a bar.
 */
class Table {
  constructor(id, empty, columns) {
    this.columns = columns;
    const place = at(id);
    place.className = 'table';
    // On a phone the style makes cards of it; what is a table stays told as one.
    this.table = make('table');
    this.table.setAttribute('role', 'table');
    const row = this.table.createTHead().insertRow();
    row.setAttribute('role', 'row');
    for (const {heading, kind} of columns) {
      const cell = make('th', kind === 'number' ? kind : '', heading);
      cell.scope = 'col';
      cell.setAttribute('role', 'columnheader');
      row.append(cell);
    }
    this.body = this.table.createTBody();
    this.empty = make('p', 'empty', empty);
    this.table.hidden = true;
    place.replaceChildren(this.table, this.empty);
  }
  fill(rows) {
    this.table.hidden = rows.length === 0;
    this.empty.hidden = rows.length > 0;
    while (this.body.rows.length > rows.length) this.body.deleteRow(-1);
    rows.forEach((cells, i) => {
      const row = this.body.rows[i] || this.add();
      cells.forEach((cell, j) => this.put(row.cells[j], this.columns[j].kind || '', cell));
    });
  }
  add() {
    const row = this.body.insertRow();
    row.setAttribute('role', 'row');
    for (const {heading} of this.columns) {
      const cell = row.insertCell();
      cell.dataset.heading = heading;
      cell.setAttribute('role', 'cell');
    }
    return row;
  }
  put(place, kind, cell) {
    const {text, mood = '', badge = false, share} = typeof cell === 'object' ? cell : {text: cell};
    mark(place, (kind + (badge || share !== undefined ? '' : ' ' + mood) + (text === '' ? ' nothing' : '')).trim());
    const made = badge ? 'badge' : share !== undefined ? 'load' : '';
    if ((place.dataset.made || '') !== made) {
      place.dataset.made = made;
      place.replaceChildren(...{badge: [make('span')], load: [make('span'), make('span')], '': []}[made]);
      if (made === 'load') place.firstChild.append(make('i'));
    }
    if (made === '') return write(place, text);
    write(place.lastChild, text);
    if (badge) return mark(place.lastChild, 'badge ' + mood);
    mark(place.firstChild, 'load ' + mood);
    place.firstChild.firstChild.style.width = Math.round(share * 100) + '%';
  }
}

// -- plots

// What a row of the history holds.
const [UNTIL, LENGTH, REQUESTS, CLIENT, SERVER, RECEIVED, SENT, CONNECTIONS, P50, P95, P99] = Array(11).keys();
const perSecond = (row, which) => (row[LENGTH] > 0 ? (row[which] * 1000) / row[LENGTH] : 0);
const share = (row, which) => (row[REQUESTS] > 0 ? (row[which] * 100) / row[REQUESTS] : null);

const view = {rows: [], minutes: 5, cursor: null};

/** The next of 1, 2, 5, 10 ... ; of bytes, of powers of two. */
function niceStep(rough, binary) {
  const base = binary ? 1024 ** Math.max(0, Math.floor(Math.log(rough) / Math.log(1024))) : 1;
  const power = 10 ** Math.floor(Math.log10(rough / base));
  return base * power * [1, 2, 5, 10].find((factor) => factor * power * base >= rough);
}

class Plot {
  constructor({title, series, format, binary = false, least, most = Infinity, whole = false, wide = false}) {
    Object.assign(this, {title, series, format, binary, least, most, whole});
    this.figure = make('figure', wide ? 'wide' : '');
    const caption = make('figcaption');
    const legend = make('span', 'legend');
    this.values = series.map(({name}, i) => {
      const item = make('span', 's' + i, series.length > 1 ? name + ' ' : '');
      const value = make('b');
      item.append(value);
      legend.append(item);
      return value;
    });
    this.caption = make('span', '', title);
    caption.append(this.caption, legend);
    this.svg = this.draw('svg', {role: 'img', 'aria-label': title + ', the last minutes'});
    this.figure.append(caption, this.svg);
    this.lines = series.map((_, i) => this.draw('path', {class: 'line s' + i}));
    this.area = this.draw('path', {class: 'area'});
    this.cursor = this.draw('path', {class: 'cursor'});
    this.axes = this.draw('g', {});
    this.svg.append(this.axes, ...(series.length === 1 ? [this.area] : []), ...this.lines, this.cursor);
    this.svg.addEventListener('pointermove', (event) => this.point(event.offsetX));
    this.svg.addEventListener('pointerleave', () => this.point(null));
  }
  draw(name, attributes) {
    const element = document.createElementNS(SVG, name);
    for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
    return element;
  }
  /** The moment under the pointer is the same in all plots. */
  point(x) {
    view.cursor = x === null ? null : Math.min(1, Math.max(0, (x - this.left) / (this.width - this.left)));
    requestAnimationFrame(drawPlots);
  }
  render(rows, begin, end) {
    this.width = this.svg.clientWidth || 300;
    this.height = this.svg.clientHeight || 150;
    const bottom = this.height - 18;
    const values = this.series.map(({of}) => rows.map(of));
    const top = Math.min(this.most, Math.max(this.least, ...values.flat().filter((value) => value !== null)));
    let step = niceStep(top / 3, this.binary);
    if (this.whole) step = Math.max(1, step);
    const peak = Math.min(this.most, Math.ceil(top / step - 1e-9) * step);
    const marks = [];
    for (let value = 0; value <= peak + step / 100; value += step) marks.push(value);
    const names = marks.map((value) => this.format(value));
    this.left = 12 + 6.3 * Math.max(...names.map((name) => name.length));
    const x = (time) => this.left + ((time - begin) / (end - begin)) * (this.width - this.left);
    const y = (value) => bottom - (Math.min(value, peak) / peak) * (bottom - 8);
    this.renderAxes(marks, names, y, bottom);
    values.forEach((list, i) => this.lines[i].setAttribute('d', this.path(rows, list, x, y)));
    if (this.series.length === 1) this.area.setAttribute('d', this.path(rows, values[0], x, y, bottom));
    this.renderLegend(rows, values, begin, end, x, bottom);
  }
  renderAxes(marks, names, y, bottom) {
    const pieces = [];
    marks.forEach((value, i) => {
      const line = Math.round(y(value)) + 0.5;
      pieces.push(this.draw('path', {class: 'grid', d: `M${this.left} ${line}H${this.width}`}));
      const name = this.draw('text', {x: this.left - 6, y: line + 4, 'text-anchor': 'end'});
      name.textContent = names[i];
      pieces.push(name);
    });
    const parts = view.minutes === 1 ? 4 : 5;
    const every = this.width < 420 ? 2 : 1;
    for (let i = 0; i <= parts; ++i) {
      if ((parts - i) % every !== 0) continue;
      const seconds = (view.minutes * 60 * (parts - i)) / parts;
      const name = this.draw('text', {
        x: this.left + ((this.width - this.left) * i) / parts,
        y: bottom + 15,
        'text-anchor': i === 0 ? 'start' : i === parts ? 'end' : 'middle',
      });
      name.textContent = seconds === 0 ? 'now' : '\u2212' + (seconds < 60 ? seconds + '\u202fs' : seconds / 60 + '\u202fmin');
      pieces.push(name);
    }
    this.axes.replaceChildren(...pieces);
  }
  /** With `floor` the area under the line. A line is broken where there is nothing to show. */
  path(rows, values, x, y, floor) {
    let text = '';
    let from = null;
    let before = 0;
    const close = () => {
      // A second of its own is a dash.
      if (from !== null && from === before && floor === undefined) text += 'm-1.5 0h3';
      if (from !== null && floor !== undefined) text += `L${x(before).toFixed(1)} ${floor}L${x(from).toFixed(1)} ${floor}Z`;
      from = null;
    };
    rows.forEach((row, i) => {
      if (values[i] === null || (from !== null && row[UNTIL] - before > 5000)) close();
      if (values[i] === null) return;
      text += `${from === null ? 'M' : 'L'}${x(row[UNTIL]).toFixed(1)} ${y(values[i]).toFixed(1)}`;
      if (from === null) from = row[UNTIL];
      before = row[UNTIL];
    });
    close();
    return text;
  }
  renderLegend(rows, values, begin, end, x, bottom) {
    let row = rows.length - 1;
    let when = '';
    this.cursor.setAttribute('d', '');
    if (view.cursor !== null && rows.length > 0) {
      const time = begin + view.cursor * (end - begin);
      row = rows.reduce((best, one, i) => (Math.abs(one[UNTIL] - time) < Math.abs(rows[best][UNTIL] - time) ? i : best), 0);
      this.cursor.setAttribute('d', `M${x(rows[row][UNTIL]).toFixed(1)} 4V${bottom}`);
      when = ', ' + moment(rows[row][UNTIL] / 1000).slice(11);
    }
    write(this.caption, this.title + when);
    values.forEach((list, i) => {
      const value = row < 0 ? null : list[row];
      write(this.values[i], value === null || value === undefined ? '\u2013' : this.format(value));
    });
  }
}

const plots = [
  new Plot({title: 'Requests per second', format: count, least: 5, wide: true,
    series: [{name: 'requests', of: (row) => perSecond(row, REQUESTS)}]}),
  new Plot({title: 'Latency', format: latency, least: 100,
    series: [{name: 'p50', of: (row) => row[P50]}, {name: 'p95', of: (row) => row[P95]}, {name: 'p99', of: (row) => row[P99]}]}),
  new Plot({title: 'Share of errors', format: percent, least: 1, most: 100,
    series: [{name: '4xx', of: (row) => share(row, CLIENT)}, {name: '5xx', of: (row) => share(row, SERVER)}]}),
  new Plot({title: 'Bytes per second', format: bytes, least: 1024, binary: true,
    series: [{name: 'sent', of: (row) => perSecond(row, SENT)}, {name: 'received', of: (row) => perSecond(row, RECEIVED)}]}),
  new Plot({title: 'Open connections', format: count, least: 4, whole: true,
    series: [{name: 'open', of: (row) => row[CONNECTIONS]}]}),
];
at('plots').append(...plots.map((plot) => plot.figure));

function drawPlots() {
  const last = view.rows.length > 0 ? view.rows[view.rows.length - 1][UNTIL] : Date.now();
  const begin = last - view.minutes * 60000;
  const rows = view.rows.filter((row) => row[UNTIL] >= begin);
  for (const plot of plots) plot.render(rows, begin, last);
}
new ResizeObserver(() => requestAnimationFrame(drawPlots)).observe(at('plots'));

for (const button of at('ranges').children) {
  button.addEventListener('click', () => {
    view.minutes = Number(button.dataset.minutes);
    for (const other of at('ranges').children) other.setAttribute('aria-pressed', String(other === button));
    drawPlots();
  });
}

// -- tables

const tables = {
  workers: new Table('workers', 'No process has told of itself yet.', [
    {heading: 'Worker', kind: 'short'}, {heading: 'State', kind: 'short'}, {heading: 'Pid', kind: 'number'},
    {heading: 'Generation', kind: 'number'}, {heading: 'Up', kind: 'number'}, {heading: 'Load', kind: 'short'},
    {heading: 'Connections', kind: 'number'}, {heading: 'Requests', kind: 'number'}, {heading: 'Last death', kind: 'whole'}]),
  fused: new Table('fused', 'None.', [
    {heading: 'Site', kind: 'mono whole'}, {heading: 'Route', kind: 'mono whole'}, {heading: 'Since', kind: 'number whole'}]),
  deaths: new Table('deaths', 'No worker has died.', [
    {heading: 'When', kind: 'short whole'}, {heading: 'Worker', kind: 'short'}, {heading: 'Pid', kind: 'number'},
    {heading: 'Reason', kind: 'short whole'}, {heading: 'Connections', kind: 'number'}, {heading: 'Request', kind: 'mono whole'},
    {heading: 'Cause', kind: 'mono whole'}]),
  reloads: new Table('reloads', 'There was none since the start.', [
    {heading: 'When', kind: 'short whole'}, {heading: 'Outcome', kind: 'short whole'}, {heading: 'Why', kind: 'lines whole'}]),
  listeners: new Table('listeners', 'None.', [
    {heading: 'Name', kind: 'short whole'}, {heading: 'Address', kind: 'mono whole'}, {heading: 'Speaks', kind: 'short whole'},
    {heading: 'Connections', kind: 'number'}, {heading: 'Accepted', kind: 'number'}]),
  certificates: new Table('certificates', 'No listener has TLS.', [
    {heading: 'File', kind: 'mono whole'}, {heading: 'Ends', kind: 'short whole'}, {heading: 'Left', kind: 'short whole'}]),
  sites: new Table('sites', 'No site has a name yet.', [
    {heading: 'Site', kind: 'mono whole'}, {heading: 'Requests', kind: 'number'}, {heading: '2xx', kind: 'number'},
    {heading: '3xx', kind: 'number'}, {heading: '4xx', kind: 'number'}, {heading: '5xx', kind: 'number'},
    {heading: 'Sent', kind: 'number'}]),
};

let facts = null;
let now = null;

const SIGNALS = {2: 'SIGINT', 3: 'SIGQUIT', 4: 'SIGILL', 5: 'SIGTRAP', 6: 'SIGABRT', 7: 'SIGBUS', 8: 'SIGFPE', 9: 'SIGKILL',
  11: 'SIGSEGV', 13: 'SIGPIPE', 15: 'SIGTERM', 24: 'SIGXCPU', 25: 'SIGXFSZ', 31: 'SIGSYS'};
const REASONS = {hung: 'hung', oom: 'out of memory', killed: 'killed at its deadline', start_failed: 'could not start'};
function reasonOf(death) {
  const how = death.signal !== undefined ? SIGNALS[death.signal] || 'signal ' + death.signal : 'exit code ' + death.exit;
  return REASONS[death.reason] ? REASONS[death.reason] + ' (' + how + ')' : how;
}
const workerName = (slot) => (slot === null ? 'admin' : String(slot));

function lastDeath(slot) {
  const deaths = facts ? facts.deaths.filter((death) => death.slot === slot) : [];
  if (deaths.length === 0) return '';
  const death = deaths[deaths.length - 1];
  return {text: reasonOf(death) + ', ' + ago(now.now - death.at), mood: now.now - death.at < 600 ? 'bad' : ''};
}

function loadCell(load) {
  if (load === null) return '';
  return {text: percent(load / 10), share: load / 1000, mood: load > 900 ? 'bad' : load > 700 ? 'warn' : ''};
}

function showProcesses() {
  const rows = now.processes.map((process) => ({slot: process.slot, cells: [
    workerName(process.slot),
    {text: process.state, badge: true, mood: process.state === 'ready' ? 'good' : 'warn'},
    String(process.pid), String(process.generation), span(now.now - process.started), loadCell(process.load),
    count(process.connections), count(process.requests), lastDeath(process.slot)]}));
  const there = new Set(now.processes.map((process) => process.slot));
  for (let slot = 0; slot < now.wanted; ++slot) {
    if (there.has(slot)) continue;
    rows.push({slot, cells: [String(slot), {text: 'not running', badge: true, mood: 'bad'}, '', '', '', '', '', '', lastDeath(slot)]});
  }
  const place = (slot) => (slot === null ? Infinity : slot);
  rows.sort((a, b) => (place(a.slot) === place(b.slot) ? 0 : place(a.slot) - place(b.slot)));
  tables.workers.fill(rows.map((row) => row.cells));
}

function showTiles() {
  const {second, minute, totals} = now;
  show('rate', second ? count(perSecond(second, REQUESTS)) + '/s' : '\u2013');
  show('rate-more', count(totals.requests) + ' since the start');
  at('rate').dataset.total = totals.requests;
  const busy = minute && minute[REQUESTS] > 0;
  const failed = busy ? share(minute, CLIENT) + share(minute, SERVER) : 0;
  show('errors', busy ? percent(failed) : '\u2013');
  mark(at('errors'), busy && share(minute, SERVER) >= 1 ? 'bad' : '');
  show('errors-more', busy ? percent(share(minute, CLIENT)) + ' 4xx, ' + percent(share(minute, SERVER)) + ' 5xx' : 'no requests');
  show('latency', busy && minute[P95] !== null ? latency(minute[P95]) : '\u2013');
  show('latency-more', busy && minute[P50] !== null ? 'p50 ' + latency(minute[P50]) + ', p99 ' + latency(minute[P99]) : 'no requests');
  show('sent', second ? bytes(perSecond(second, SENT)) + '/s' : '\u2013');
  show('sent-more', second ? bytes(perSecond(second, RECEIVED)) + '/s received' : '');
  const workers = now.processes.filter((process) => process.slot !== null);
  show('connections', count(workers.reduce((sum, process) => sum + process.connections, 0)));
  show('connections-more', count(totals.accepted) + ' accepted' + (totals.websockets ? ', ' + count(totals.websockets) + ' WebSockets' : ''));
  const ready = new Set(workers.filter((process) => process.state === 'ready').map((process) => process.slot)).size;
  show('workers-ready', ready + ' of ' + now.wanted);
  mark(at('workers-ready'), ready < now.wanted ? 'bad' : '');
  show('workers-more', now.memory !== null ? bytes(now.memory) + ' resident, all processes' : '');
}

function showTotals() {
  const {totals} = now;
  const rows = [['Requests', count(totals.requests)], ['Malformed requests', count(totals.bad_requests)],
    ['Received', bytes(totals.request_bytes)], ['Sent', bytes(totals.response_bytes)],
    ['Connections accepted', count(totals.accepted)], ['Connections refused', count(totals.refused), totals.refused > 0],
    ['Log lines dropped', count(totals.log_lines_dropped), totals.log_lines_dropped > 0]];
  const list = at('totals');
  rows.forEach(([name, value, warn], i) => {
    const entry = list.children[i] || list.appendChild(make('div'));
    if (!entry.firstChild) entry.append(make('dt', '', name), make('dd'));
    write(entry.lastChild, value);
    mark(entry.lastChild, warn ? 'warn' : '');
  });
}

function showHead() {
  show('release', facts.release);
  show('facts', `up ${span(now.now - facts.started)}, generation ${now.generation}, pid ${facts.pid}, ${facts.config || 'no file'}`);
  const state = at('state');
  write(state, now.ready ? 'ready' : 'not ready');
  mark(state, 'badge ' + (now.ready ? 'good' : 'warn'));
  at('reason').hidden = now.ready;
  show('reason', now.ready ? '' : 'Not ready: ' + now.reason + '.');
  const pace = now.second ? count(perSecond(now.second, REQUESTS)) + '/s \u00b7 ' : '';
  document.title = (now.ready ? pace : 'not ready \u00b7 ') + 'holdfast';
}

function showSeldom() {
  at('fused-section').hidden = facts.fused.length === 0;
  tables.fused.fill(facts.fused.map(({site, route, since}) => [site, route, moment(since)]));
  tables.deaths.fill(facts.deaths.slice().reverse().map((death) => [
    moment(death.at), workerName(death.slot), String(death.pid), {text: reasonOf(death), mood: 'bad'}, count(death.connections),
    death.request ? death.request + (death.site || death.route ? '  (' + [death.site, death.route].filter(Boolean).join(' ') + ')' : '') : '',
    [death.what, death.fault, death.module].filter(Boolean).join('; ')]));
  tables.reloads.fill(facts.reloads.slice().reverse().map(({at: when, ok, message}) => [
    moment(when), {text: ok ? 'succeeded' : 'refused', badge: true, mood: ok ? 'good' : 'bad'}, message]));
}

function showDaily() {
  tables.certificates.fill(facts.certificates.map(({file, until}) => {
    const days = (until - now.now) / 86400;
    const mood = days < 3 ? 'bad' : days < 14 ? 'warn' : 'good';
    const left = days <= 0 ? 'ended' : days < 3 ? span(until - now.now) : Math.floor(days) + ' days';
    return [file, moment(until), {text: left, badge: true, mood}];
  }));
}

function showListeners() {
  const figures = (name) => (now.listeners[name] || [0, 0]).map(count);
  const rows = facts.listeners.map(({name, bind, tls, protocols, https_redirect: moved}) => [
    name, bind, (tls ? 'TLS, ' : '') + protocols.join(', ') + (moved ? ', sent on to https' : ''), ...figures(name)]);
  tables.listeners.fill([...rows, ['admin', facts.admin, 'http/1.1', '', '']]);
}

function showSites() {
  // The admin listener's own, which nobody else asks for.
  const sites = now.sites.busiest.filter(({name, requests}) => name !== 'admin' || requests > 0);
  const rows = sites.map(({name, requests, codes, response_bytes: sent}) => [
    name, count(requests), ...codes.slice(1).map(count), bytes(sent)]);
  const more = now.sites.all - now.sites.busiest.length;
  tables.sites.fill(more > 0 ? [...rows, [`and ${more} more`, '', '', '', '', '', '']] : rows);
}

function showAll() {
  if (!facts || !now) return;
  showHead();
  showTiles();
  showProcesses();
  showDaily();
  showListeners();
  showSites();
  showTotals();
}

// -- the stream

const KEPT = 600;          // rows: ten minutes
const LOST_AFTER = 3500;   // milliseconds without news
const AGAIN_AFTER = 20000; // a connection that is silent for so long is given up

const link = {source: null, heard: Date.now(), refused: false, timer: null, sleep: null};

function hear() {
  link.heard = Date.now();
  link.refused = false;
  at('notice').hidden = true;
  document.body.classList.remove('stale');
}

function connect() {
  clearTimeout(link.timer);
  if (link.source) link.source.close();
  const source = new EventSource('events');
  link.source = source;
  source.addEventListener('facts', (event) => {
    const former = facts;
    facts = JSON.parse(event.data);
    // Another version of the server has another page.
    if (former && former.page !== facts.page) return location.reload();
    hear();
    showSeldom();
    showAll();
  });
  source.addEventListener('history', (event) => {
    view.rows = JSON.parse(event.data);
    drawPlots();
  });
  source.addEventListener('now', (event) => {
    now = JSON.parse(event.data);
    hear();
    const last = view.rows.length > 0 ? view.rows[view.rows.length - 1][UNTIL] : 0;
    if (now.second && now.second[UNTIL] !== last) view.rows.push(now.second);
    if (view.rows.length > KEPT) view.rows.splice(0, view.rows.length - KEPT);
    showAll();
    drawPlots();
  });
  // The browser tries again by itself, but not after an answer that is no stream.
  source.addEventListener('error', () => {
    if (source.readyState !== EventSource.CLOSED || link.source !== source) return;
    link.refused = true;
    link.timer = setTimeout(connect, 2000);
  });
}

setInterval(() => {
  const silent = Date.now() - link.heard;
  if (!link.source || silent < LOST_AFTER) return;
  document.body.classList.add('stale');
  const notice = at('notice');
  const text = link.refused ? 'The server takes no further page in: too many dashboards are open. Trying again.'
    : `No contact with the server since ${moment(link.heard / 1000).slice(11)}; trying again.`;
  if (notice.hidden || notice.textContent !== text) {
    notice.textContent = text;
    notice.hidden = false;
    write(at('state'), 'no contact');
    mark(at('state'), 'badge bad');
    document.title = 'no contact \u00b7 holdfast';
  }
  if (silent % AGAIN_AFTER < 1000 && link.source.readyState === EventSource.OPEN) connect();
}, 1000);

// A page that nobody looks at asks for nothing: browsers allow six connections to a server, and each page takes one.
document.addEventListener('visibilitychange', () => {
  clearTimeout(link.sleep);
  if (document.hidden) {
    link.sleep = setTimeout(() => {
      clearTimeout(link.timer);
      link.source.close();
      link.source = null;
    }, 15000);
  } else if (!link.source) {
    link.heard = Date.now();
    connect();
  }
});

connect();
