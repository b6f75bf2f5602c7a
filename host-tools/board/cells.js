// The nodes as cells, by groups: sign, name and progress as far as there is room. One cell is in the tab order, arrows move to the others.
import {STATES, element, matches, nodes, percent, share, stateOf, words} from './model.js';

const root = document.getElementById('nodes');
const cells = new Map(); // by name: {cell, sign, rest, wordy}, and what it shows: {state, bar, words, hidden}
const groups = new Map(); // by name: {section, count, members, shown}
const selected = new Set();
let current, picked = () => {}, selectionChanged = () => {}, maySelect = false;
let text = '', state = '';

function density(count) {
	return count <= 30 ? 'large' : count <= 400 ? 'medium' : 'small';
}

// The part of the names that all of a group have needs no place in its small cells.
function commonPrefix(names) {
	let n = names[0].length - 1;
	for (const name of names) while (!name.startsWith(names[0].slice(0, n))) n--;
	const prefix = names[0].slice(0, Math.max(n, 0)).replace(/[0-9]+$/, '');
	return names.length > 1 ? prefix.length : 0;
}

function makeCell(node, shortFrom, size) {
	const sign = element('span', {class: 'sign', 'aria-hidden': 'true'});
	const name = element('span', {class: 'name'}, size === 'small' ? node.name.slice(shortFrom) : node.name);
	const rest = size === 'small' ? undefined : element('span', {class: 'rest'});
	const cell = element('button', {type: 'button', class: 'cell', tabIndex: -1}, sign, name, rest);
	cell.dataset.name = node.name;
	cells.set(node.name, {cell, sign, rest, wordy: size === 'large', hidden: false});
	return cell;
}

function makeGroup(name, members, size) {
	const title = element('h2', {}, name || 'Nodes', ' ', element('small', {}));
	const section = element('section', {class: 'group'}, title);
	const grid = element('div', {class: `cells ${size}`, role: 'group', 'aria-label': name || 'Nodes'});
	const from = commonPrefix(members.map(n => n.name));
	grid.style.setProperty('--letters', Math.min(12, Math.max(...members.map(n => n.name.length)) - from));
	for (const node of members) grid.append(makeCell(node, from, size));
	section.append(grid);
	groups.set(name, {section, count: title.lastChild, members: members.map(n => n.name), shown: []});
	return section;
}

export function drawAll() {
	const byGroup = Map.groupBy ? Map.groupBy(nodes.values(), n => n.group || '') : new Map();
	if (!Map.groupBy) for (const n of nodes.values()) byGroup.set(n.group || '', [...(byGroup.get(n.group || '') || []), n]);
	cells.clear();
	groups.clear();
	changed.clear();
	for (const name of selected) if (!nodes.has(name)) selected.delete(name);
	const size = density(nodes.size);
	root.replaceChildren(...[...byGroup].map(([name, members]) => makeGroup(name, members, size)));
	if (!nodes.size) root.append(element('p', {class: 'empty'}, 'The definition has no hosts yet.'));
	for (const name of cells.keys()) draw(name);
	setCurrent(nodes.has(current) ? current : nodes.keys().next().value);
	filter(text, state);
}

function label(node, s) {
	const more = words(node);
	return `${node.name}: ${STATES[s].label}${more ? `, ${more}` : ''}`;
}

function brief(node, s) {
	return percent(node) || (node.module && s !== 'installed' ? node.module : STATES[s].label);
}

// --- what changes

const changed = new Set(); // names whose cells may look other than their nodes are
const STEP = 5; // per cent of a small cell, which is a few pixels wide

export function change(name) {
	changed.add(name);
}

function drawState(c, s) {
	if (c.state === s) return;
	if (c.state) c.cell.classList.remove(c.state);
	c.cell.classList.add(s);
	c.sign.textContent = STATES[s].sign;
	c.state = s;
}

// The document is touched only where it changes: with thousands of cells that is what costs.
function drawCell(c, node) {
	const s = stateOf(node), done = (share(node) || 0) * 100;
	const bar = c.rest ? done.toFixed(1) : String(Math.floor(done / STEP) * STEP), words = label(node, s);
	drawState(c, s);
	if (c.bar !== bar) c.cell.style.setProperty('--done', `${c.bar = bar}%`);
	if (c.words === words) return;
	c.words = words;
	if (c.rest) c.rest.textContent = c.wordy ? words.slice(node.name.length + 2) : brief(node, s);
	c.cell.setAttribute('aria-label', words);
}

function draw(name) {
	changed.delete(name);
	const c = cells.get(name);
	if (c) drawCell(c, nodes.get(name));
}

// The first of a list of cells in the order of the page of which is() holds.
function first(list, is) {
	let from = 0, to = list.length;
	while (from < to) {
		const middle = (from + to) >> 1;
		if (is(cells.get(list[middle]).cell.getBoundingClientRect())) to = middle;
		else from = middle + 1;
	}
	return from;
}

function visible() {
	const names = [];
	for (const {section, shown} of groups.values()) {
		const place = section.getBoundingClientRect();
		if (!shown.length || place.bottom < 0 || place.top > innerHeight) continue;
		const begin = first(shown, r => r.bottom > 0), end = first(shown, r => r.top >= innerHeight);
		for (let i = begin; i < end; i++) names.push(shown[i]);
	}
	return names;
}

// Draws what has changed: what is seen, and of the rest so many, which nobody sees but who has the page read out. Whether there is time for
// more of it: what is seen is as it should be.
export function drawChanged(unseen) {
	const seen = changed.size ? visible().filter(name => changed.has(name)) : [];
	seen.forEach(draw);
	for (const name of changed) {
		if (!unseen--) break;
		draw(name);
	}
	return changed.size > 0 && !seen.length;
}

function showMembers(g) {
	const shown = text || state ? g.members.filter(name => matches(nodes.get(name), text, state)) : g.members;
	if (shown === g.members && shown === g.shown) return;
	const names = new Set(g.shown = shown);
	for (const name of g.members) {
		const c = cells.get(name), hidden = !names.has(name);
		if (c.hidden !== hidden) c.cell.hidden = c.hidden = hidden;
	}
	g.section.hidden = !shown.length;
	const words = shown.length === g.members.length ? `${shown.length}` : `${shown.length} of ${g.members.length}`;
	if (g.count.textContent !== words) g.count.textContent = words;
}

// Returns how many are shown.
export function filter(newText, newState) {
	let all = 0;
	text = newText;
	state = newState;
	for (const g of groups.values()) {
		showMembers(g);
		all += g.shown.length;
	}
	return all;
}

export function shownNames() {
	return [...groups.values()].flatMap(g => g.shown);
}

// --- selection

function paintSelection(name) {
	const c = cells.get(name);
	if (!c) return;
	c.cell.classList.toggle('selected', selected.has(name));
	if (maySelect) c.cell.setAttribute('aria-pressed', String(selected.has(name)));
	else c.cell.removeAttribute('aria-pressed');
}

export function select(names, on) {
	for (const name of names) {
		if (on) selected.add(name);
		else selected.delete(name);
		paintSelection(name);
	}
	selectionChanged();
}

export function selection() {
	return [...nodes.keys()].filter(name => selected.has(name));
}

export function allowSelection(yes, changed) {
	maySelect = yes;
	selectionChanged = changed;
	if (!yes) selected.clear();
	for (const name of cells.keys()) paintSelection(name);
	changed();
}

// --- keys and clicks

function setCurrent(name, focus) {
	const before = cells.get(current), c = cells.get(name);
	if (before) before.cell.tabIndex = -1;
	if (!c) return;
	current = name;
	c.cell.tabIndex = 0;
	if (focus) {
		c.cell.focus();
		c.cell.scrollIntoView({block: 'nearest'});
	}
}

// The next one in a direction: along the line, or the nearest of the next line.
function neighbour(cell, key) {
	const list = [...root.querySelectorAll('.cell:not([hidden])')], at = list.indexOf(cell);
	const step = key === 'ArrowLeft' || key === 'ArrowUp' ? -1 : 1;
	if (key === 'Home') return list[0];
	if (key === 'End') return list[list.length - 1];
	if (key === 'ArrowLeft' || key === 'ArrowRight') return list[at + step];
	const place = c => c.getBoundingClientRect(), here = place(cell), off = c => Math.abs(place(c).left - here.left);
	let i = at + step, best;
	while (list[i] && place(list[i]).top === here.top) i += step;
	for (const line = list[i] && place(list[i]).top; list[i] && place(list[i]).top === line; i += step)
		if (!best || off(list[i]) < off(best)) best = list[i];
	return best;
}

root.addEventListener('keydown', event => {
	const cell = event.target.closest('.cell');
	if (!cell) return;
	if (event.key === ' ' && maySelect) {
		select([cell.dataset.name], !selected.has(cell.dataset.name));
	} else if (/^(Arrow|Home$|End$)/.test(event.key)) {
		const next = neighbour(cell, event.key);
		if (next) setCurrent(next.dataset.name, true);
	} else {
		return;
	}
	event.preventDefault();
});

root.addEventListener('click', event => {
	const cell = event.target.closest('.cell');
	if (!cell) return;
	const name = cell.dataset.name;
	if (maySelect && event.shiftKey && current) {
		const names = shownNames(), a = names.indexOf(current), b = names.indexOf(name);
		select(names.slice(Math.min(a, b), Math.max(a, b) + 1), true);
	} else if (maySelect && (event.ctrlKey || event.metaKey)) {
		select([name], !selected.has(name));
	} else {
		picked(name);
	}
	setCurrent(name);
});

// A title is for who points at a cell; of the others nobody reads it.
root.addEventListener('pointerover', event => {
	const cell = event.target.closest('.cell');
	if (!cell) return;
	draw(cell.dataset.name);
	cell.title = cell.getAttribute('aria-label');
});

root.addEventListener('focusin', event => {
	const cell = event.target.closest('.cell');
	if (cell) draw(cell.dataset.name);
});

export function onPick(f) {
	picked = f;
}

export function focusCell(name) {
	setCurrent(name || current, true);
}
