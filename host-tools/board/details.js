// One node from near: what it does, its modules with times, its log as it grows, its inventory, its installations.
import {authorized, isOperator, order} from './operator.js';
import {STATES, amount, bytes, clock, duration, element, nodes, resultState, serverNow, share, silence, stateOf, when} from './model.js';

const panel = document.getElementById('details');
const LOG_MAX = 1000; // lines on the page
const LOOK_MS = 2000;

let name, timer, lines, after, parts, closed = () => {}, generation = 0, stale = false;

function row(term, value) {
	return value ? [element('dt', {}, term), element('dd', {}, value)] : [];
}

function facts(node, doc) {
	const state = stateOf(node), running = node.state === 'installing' || node.state === 'held';
	return [
		...row('State', element('span', {class: `badge ${state}`}, `${STATES[state].sign} ${STATES[state].label}`)),
		...row('Group', node.group),
		...row('Next boot', !running && (node.armed ? `the installer '${node.armed}'` : 'from its disk')),
		...row(state === 'held' ? 'Holds before' : 'Module', running ? node.module : ''),
		...row('Progress', running && amount(node)),
		...row('Rate', node.rate ? `${bytes(node.rate)}/s, ${node.eta ? `about ${duration(node.eta)} more` : ''}` : ''),
		...row('Says', state === 'armed' ? '' : node.message),
		...row('Heard of', node.seen ? `${duration(silence(node))} ago, ${when(node.seen)}` : 'never'),
		...row('Address', doc && doc.address),
		...row('Cards', doc && doc.mac_address),
		...row('Defined with', doc && [doc.installer, doc.disk_layout, doc.base].filter(Boolean).join(', ')),
	];
}

// Modules of the last installation: those that ended, the one that runs, those to come.
function moduleList(doc) {
	const last = doc.installs[0];
	if (!last) return [];
	const ended = new Map(last.modules.map(m => [m.module, m])), started = new Map(doc.started.map(m => [m.module, m.at]));
	const all = [...new Set([...doc.planned, ...started.keys(), ...ended.keys()])];
	return all.map(module => {
		const end = ended.get(module), at = started.get(module);
		if (end) return {module, seconds: end.seconds, state: end.ok ? 'installed' : 'failed'};
		if (at) return {module, seconds: (last.ended || serverNow()) - at, state: last.ended ? 'new' : 'installing', running: !last.ended};
		return {module, state: 'new'};
	});
}

function moduleTable(doc) {
	const list = moduleList(doc), longest = Math.max(1, ...list.map(m => m.seconds || 0));
	return list.map(m => {
		const bar = element('span', {class: `bar ${m.state}`});
		bar.style.setProperty('--done', `${((m.seconds || 0) / longest * 100).toFixed(1)}%`);
		const words = m.seconds === undefined ? 'to come' : m.running ? `running for ${duration(m.seconds)}` : `${m.seconds.toFixed(1)} s${m.state === 'failed' ? ', failed' : ''}`;
		return element('tr', {}, element('th', {scope: 'row'}, m.module), element('td', {}, bar), element('td', {class: 'number'}, words));
	});
}

function historyTable(doc) {
	return doc.installs.map(i => element('tr', {},
		element('td', {}, when(i.begun)), element('td', {}, i.variant || ''),
		element('td', {}, element('span', {class: `badge ${resultState(i.result)}`}, i.result)),
		element('td', {class: 'number'}, i.ended ? duration(i.ended - i.begun) : ''),
		element('td', {}, [i.module, i.message].filter(Boolean).join(': '))));
}

export function inventoryList(machines) {
	if (!machines || !machines.length) return [element('p', {class: 'empty'}, 'Nothing is known of the machine yet.')];
	return machines.map(m => element('div', {},
		element('h4', {}, `${m.mac || ''}, seen ${when(m.seen)}`), element('pre', {class: 'inventory'}, describe(m.inventory))));
}

// An inventory is whatever a machine has said: every value becomes text.
function describe(value, indent = '') {
	if (Array.isArray(value)) return value.map(v => `${indent}- ${describe(v, `${indent}  `).trimStart()}`).join('\n');
	if (value && typeof value === 'object')
		return Object.entries(value).map(([key, v]) => v && typeof v === 'object' ? `${indent}${key}:\n${describe(v, `${indent}  `)}` :
			`${indent}${key}: ${/bytes|ram|memory/.test(key) && typeof v === 'number' ? bytes(v) : v}`).join('\n');
	return `${indent}${value}`;
}

function section(title, ...content) {
	return element('section', {}, element('h3', {}, title), ...content);
}

function locked() {
	return element('p', {class: 'empty'}, 'Shown with the operator\'s token.');
}

function draw(node) {
	const close = element('button', {type: 'button', class: 'close', 'aria-label': 'Close'}, '×');
	close.addEventListener('click', hide);
	parts = {
		done: element('progress', {max: 1}),
		facts: element('dl', {}),
		orders: element('p', {class: 'orders'}),
		modules: element('tbody', {}),
		log: element('div', {class: 'log', tabIndex: 0, role: 'log', 'aria-live': 'off', 'aria-label': `Log of ${node.name}`}),
		inventory: element('div', {}),
		history: element('tbody', {}),
	};
	panel.replaceChildren(
		element('header', {}, element('h2', {tabIndex: -1}, node.name), close), parts.done, parts.facts, parts.orders,
		section('Modules', element('table', {class: 'modules'}, parts.modules)),
		section('Log', parts.log), section('Inventory', parts.inventory),
		section('Installations', element('table', {class: 'installs'}, parts.history)));
	drawOrders();
	drawNode(node);
	panel.hidden = false;
	panel.querySelector('h2').focus();
}

export function drawOrders() {
	if (!name || !parts) return;
	const node = nodes.get(name), actions = [['install', 'Install'], ['repair', 'Repair'], ['boot', 'Boot from disk']];
	if (node && node.state === 'held') actions.push(['continue', 'Continue']);
	parts.orders.hidden = !isOperator();
	parts.orders.replaceChildren(...actions.map(([action, words]) => {
		const button = element('button', {type: 'button'}, words);
		button.addEventListener('click', () => order(action, [name]));
		return button;
	}));
}

let lastDoc, lastState;

function drawNode(node) {
	const done = share(node);
	parts.done.hidden = done === undefined;
	if (done !== undefined) parts.done.value = done;
	parts.facts.replaceChildren(...facts(node, lastDoc));
	if (lastState !== node.state) drawOrders();
	lastState = node.state;
}

function addLines(doc) {
	const log = parts.log, atEnd = log.scrollTop + log.clientHeight >= log.scrollHeight - 8;
	if (doc.install !== lines) log.replaceChildren();
	if (!doc.lines.length && !log.firstChild) log.append(element('p', {class: 'empty'}, 'No line yet.'));
	if (doc.lines.length && log.firstChild && log.firstChild.className === 'empty') log.replaceChildren();
	lines = doc.install;
	for (const line of doc.lines) {
		const bad = line.level === 'error' || / FAILED|^FAILED|INSTALLATION FAILED/.test(line.text || '');
		log.append(element('div', {class: bad ? 'line bad' : line.level === 'warn' || line.level === 'warning' ? 'line warn' : 'line'},
			element('time', {}, clock(line.at)), ' ', element('b', {}, line.module || ''), ' ', line.text || ''));
		after = `${doc.install}/${line.seq}`;
	}
	while (log.childElementCount > LOG_MAX) log.firstChild.remove();
	if (atEnd) log.scrollTop = log.scrollHeight;
}

async function look(mine) {
	const path = `/v1/nodes/${encodeURIComponent(name)}`;
	const answer = await authorized(path);
	if (mine !== generation) return;
	if (!answer.ok) throw new Error(await answer.text());
	const doc = lastDoc = await answer.json();
	if (mine !== generation) return;
	parts.modules.replaceChildren(...moduleTable(doc));
	parts.history.replaceChildren(...historyTable(doc));
	parts.inventory.replaceChildren(...(doc.detail ? inventoryList(doc.machines) : [locked()]));
	drawNode(nodes.get(name) || doc.node);
	if (!doc.detail) {
		parts.log.replaceChildren(locked());
		lines = undefined;
		return;
	}
	const log = await authorized(`${path}/log${after ? `?after=${encodeURIComponent(after)}` : ''}`);
	if (mine === generation && log.ok) addLines(await log.json());
}

async function lookAgain(mine) {
	try {
		await look(mine);
	} catch {
		// the page says elsewhere that the server is away
	}
	if (mine === generation) timer = setTimeout(lookAgain, LOOK_MS, mine);
}

export function show(newName) {
	const node = nodes.get(newName);
	if (!node) return;
	clearTimeout(timer);
	name = newName;
	lines = after = lastDoc = lastState = undefined;
	draw(node);
	lookAgain(++generation);
}

export function hide() {
	if (panel.hidden) return;
	const was = name;
	clearTimeout(timer);
	generation++;
	name = undefined;
	panel.hidden = true;
	panel.replaceChildren();
	closed(was);
}

export function onClose(f) {
	closed = f;
}

// A node is other than it was; undefined: all of them may be.
export function change(other) {
	stale ||= other === undefined || other === name;
}

export function drawChanged() {
	if (!name || !stale) return;
	stale = false;
	const mine = nodes.get(name);
	if (mine) drawNode(mine);
	else hide();
}

// The token is another one: what was locked may be open.
export function reload() {
	if (name) show(name);
}
