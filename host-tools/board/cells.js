// The nodes as cells, by groups: sign, name and progress as far as there is room. One cell is in the tab order, arrows move to the others.
import {STATES, element, matches, nodes, percent, share, stateOf, words} from './model.js';

const root = document.getElementById('nodes');
const cells = new Map(); // by name: {cell, sign, rest, wordy, state}
const groups = new Map(); // by name: {section, title, members}
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
	cells.set(node.name, {cell, sign, rest, wordy: size === 'large'});
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
	groups.set(name, {section, count: title.lastChild, members: members.map(n => n.name)});
	return section;
}

export function drawAll() {
	const byGroup = Map.groupBy ? Map.groupBy(nodes.values(), n => n.group || '') : new Map();
	if (!Map.groupBy) for (const n of nodes.values()) byGroup.set(n.group || '', [...(byGroup.get(n.group || '') || []), n]);
	cells.clear();
	groups.clear();
	for (const name of selected) if (!nodes.has(name)) selected.delete(name);
	const size = density(nodes.size);
	root.replaceChildren(...[...byGroup].map(([name, members]) => makeGroup(name, members, size)));
	if (!nodes.size) root.append(element('p', {class: 'empty'}, 'The definition has no hosts yet.'));
	for (const node of nodes.values()) drawNode(node);
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

export function drawNode(node) {
	const c = cells.get(node.name), s = stateOf(node);
	if (!c) return;
	if (c.state !== s) {
		if (c.state) c.cell.classList.remove(c.state);
		c.cell.classList.add(s);
		c.sign.textContent = STATES[s].sign;
		c.state = s;
	}
	const done = share(node);
	c.cell.style.setProperty('--done', done === undefined ? '0%' : `${(done * 100).toFixed(1)}%`);
	if (c.rest) c.rest.textContent = c.wordy ? [STATES[s].label, words(node)].filter(Boolean).join(', ') : brief(node, s);
	c.cell.setAttribute('aria-label', label(node, s));
	c.cell.title = label(node, s);
	c.cell.hidden = !matches(node, text, state);
}

// Returns how many are shown.
export function filter(newText, newState) {
	let all = 0;
	text = newText;
	state = newState;
	for (const {section, count, members} of groups.values()) {
		let shown = 0;
		for (const name of members) {
			const {cell} = cells.get(name);
			cell.hidden = !matches(nodes.get(name), text, state);
			shown += !cell.hidden;
		}
		section.hidden = !shown;
		count.textContent = shown === members.length ? `${shown}` : `${shown} of ${members.length}`;
		all += shown;
	}
	return all;
}

export function shownNames() {
	return [...cells].filter(([, c]) => !c.cell.hidden).map(([name]) => name);
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

export function onPick(f) {
	picked = f;
}

export function focusCell(name) {
	setCurrent(name || current, true);
}
