// The page: what the server streams goes into the model and from there into the views; counts, filter, tabs, theme.
import * as cells from './cells.js';
import * as details from './details.js';
import * as operator from './operator.js';
import * as tables from './tables.js';
import {STATES, counts, element, nodes, replaceAll, stateOf, takeClock, takeProgress} from './model.js';

const $ = id => document.getElementById(id);
const RETRY_MS = 2000;
const QUIET_MS = 25000; // the server says something every ten seconds
const AGE_MS = 5000; // nodes become silent without anybody saying so
const HISTORY_MS = 5000; // between two looks at the history
const NEWS_MS = 3000; // between two announcements

const tabs = ['nodes', 'transfers', 'history', 'machines'];

let tab = 'nodes', stateFilter = '', lastId, historyAt = 0, machinesAt = 0;

// --- counts, which are the filter too

const chips = Object.fromEntries(Object.entries(STATES).map(([state, {label, sign}]) => {
	const number = element('b', {}, '0');
	const chip = element('button', {type: 'button', class: `chip ${state}`, 'aria-pressed': 'false'}, element('span', {class: 'sign', 'aria-hidden': 'true'}, sign), number, ` ${label}`);
	chip.addEventListener('click', () => {
		stateFilter = stateFilter === state ? '' : state;
		for (const [s, c] of Object.entries(chips)) c.chip.setAttribute('aria-pressed', String(s === stateFilter));
		showTab('nodes');
	});
	$('counts').append(chip);
	return [state, {chip, number}];
}));

function setText(e, text) {
	if (e.textContent !== text) e.textContent = text;
}

function drawCounts() {
	const n = counts();
	for (const [state, {chip, number}] of Object.entries(chips)) {
		setText(number, String(n[state]));
		chip.classList.toggle('none', !n[state] && state !== stateFilter);
	}
	const words = Object.entries(n).filter(([state, count]) => count && !['installed', 'new', 'wiped'].includes(state)).map(([state, count]) => `${count} ${state}`);
	const title = `${words.join(', ') || `${nodes.size} nodes`} - Lucie`;
	if (document.title !== title) document.title = title;
}

// --- views

function drawTab() {
	const text = $('search').value.trim();
	let shown, all = nodes.size;
	if (tab === 'nodes') {
		shown = cells.filter(text, stateFilter);
	} else if (tab === 'transfers') {
		shown = all = tables.drawTransfers(text);
	} else if (tab === 'machines') {
		shown = all;
		if (Date.now() - machinesAt > HISTORY_MS) readMachines();
	} else {
		shown = all = tables.drawHistory(text);
		if (Date.now() - historyAt > HISTORY_MS) readHistory();
	}
	setText($('shown'), shown === all ? '' : `${shown} of ${all}`);
}

async function readHistory() {
	historyAt = Date.now();
	try {
		await tables.readHistory();
	} catch {
		return; // the connection's state is shown
	}
	if (tab === 'history') tables.drawHistory($('search').value.trim());
}

async function readMachines() {
	machinesAt = Date.now();
	try {
		await tables.readMachines();
	} catch {
		// the connection's state is shown
	}
}

function showTab(name) {
	tab = name;
	for (const other of tabs) {
		$(other).hidden = other !== tab;
		$(`tab-${other}`).setAttribute('aria-selected', String(other === tab));
		$(`tab-${other}`).tabIndex = other === tab ? 0 : -1;
	}
	look();
}

for (const name of tabs) $(`tab-${name}`).addEventListener('click', () => showTab(name));
$('tab-nodes').parentNode.addEventListener('keydown', event => {
	const step = {ArrowLeft: -1, ArrowRight: 1}[event.key];
	if (!step) return;
	showTab(tabs[(tabs.indexOf(tab) + step + tabs.length) % tabs.length]);
	$(`tab-${tab}`).focus();
});

// The page is drawn when a frame is, and then rests for three times as long as that has kept the browser: what came meanwhile is drawn at
// once, and who clicks does not wait. That time ends with the first task after the frame, which has styles, layout and paint behind it.
const REST = 3, REST_MS = 100, UNSEEN = 200;
let drawing = false, drawAgain = false;

function drawEnds(begun) {
	const took = performance.now() - begun;
	setTimeout(() => {
		drawing = false;
		if (drawAgain) drawSoon();
	}, Math.max(REST_MS, REST * took));
}

function draw() {
	const begun = performance.now();
	drawAgain = false;
	drawCounts();
	if (tab !== 'history' || Date.now() - historyAt > HISTORY_MS) drawTab();
	if (tab === 'nodes') drawAgain = cells.drawChanged(UNSEEN);
	details.drawChanged();
	const {port1, port2} = new MessageChannel();
	port1.onmessage = () => drawEnds(begun);
	port2.postMessage('');
}

function drawSoon() {
	drawAgain = true;
	if (drawing) return;
	drawing = true;
	requestAnimationFrame(draw);
}

// Somebody wants to see something else: at once, and what is behind it soon.
function look() {
	drawTab();
	drawSoon();
}

// --- what the server says

let news = [], announced = 0;
function announce(words) {
	news.push(words);
	if (news.length > 1) return;
	setTimeout(() => {
		announced = Date.now();
		$('news').textContent = news.length > 3 ? `${news.length} nodes have changed` : news.join('. ');
		news = [];
	}, Math.max(0, announced + NEWS_MS - Date.now()));
}

function change(name) {
	cells.change(name);
	details.change(name);
}

function takeNode(node) {
	const before = nodes.get(node.name);
	nodes.set(node.name, node);
	change(node.name);
	if (before && before.state !== node.state && (node.state === 'failed' || node.state === 'held'))
		announce(`${node.name} ${STATES[stateOf(node)].label}`);
}

function take(type, data) {
	takeClock(data.now);
	setText($('waiting'), String(data.waiting || ''));
	if (type === 'snapshot') {
		$('site').textContent = `site ${data.site}`;
		replaceAll(data.nodes);
		cells.drawAll();
		details.change();
	} else if (type === 'nodes') {
		for (const node of data.nodes) takeNode(node);
		for (const name of takeProgress(data.progress)) change(name);
	}
	drawSoon();
}

function say(words, bad) {
	$('connection').textContent = words;
	$('connection').className = bad ? 'bad' : '';
}

// One event of the stream (server-sent events, as the HTML standard has them).
function parse(text) {
	let type = 'message', data = '';
	for (const line of text.split('\n')) {
		if (line.startsWith('id: ')) lastId = line.slice(4);
		else if (line.startsWith('event: ')) type = line.slice(7);
		else if (line.startsWith('data: ')) data += line.slice(6);
	}
	if (data) take(type, JSON.parse(data));
}

async function read(answer, watchdog) {
	const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
	let rest = '';
	for (;;) {
		const {value, done} = await reader.read();
		if (done) return;
		watchdog();
		let from = Math.max(0, rest.length - 1), end;
		rest += value;
		while ((end = rest.indexOf('\n\n', from)) >= 0) {
			parse(rest.slice(0, end));
			rest = rest.slice(end + 2);
			from = 0;
		}
	}
}

let stream;
async function listen() {
	const mine = stream = new AbortController();
	let quiet;
	const watchdog = () => {
		clearTimeout(quiet);
		quiet = setTimeout(() => mine.abort(), QUIET_MS);
	};
	try {
		watchdog();
		const answer = await operator.authorized('/v1/board/stream', {signal: mine.signal, headers: lastId ? {'Last-Event-ID': lastId} : {}});
		if (answer.ok) {
			say('live');
			await read(answer, watchdog);
			say('connection lost', true);
		} else {
			say((await answer.text()).trim(), true);
			if (answer.status === 401) operator.signIn();
		}
	} catch {
		say('the server does not answer', true);
	}
	clearTimeout(quiet);
	if (stream === mine) setTimeout(() => stream === mine && listen(), RETRY_MS);
}

// --- theme: as the system says until somebody chooses

const THEMES = {'': 'Theme: auto', light: 'Theme: light', dark: 'Theme: dark'};
function theme(name) {
	if (name) document.documentElement.dataset.theme = name;
	else delete document.documentElement.dataset.theme;
	localStorage.setItem('theme', name);
	$('theme').textContent = THEMES[name];
}
$('theme').addEventListener('click', () => {
	const names = Object.keys(THEMES);
	theme(names[(names.indexOf(document.documentElement.dataset.theme || '') + 1) % names.length]);
});
theme(localStorage.getItem('theme') in THEMES ? localStorage.getItem('theme') : '');

// --- orders for many

function drawSelection() {
	const n = cells.selection().length;
	$('orders').hidden = !operator.isOperator();
	$('selected').textContent = n ? `${n} selected` : 'Ctrl-click, Shift-click or Space selects';
	for (const b of $('orders').querySelectorAll('[data-action]')) b.disabled = !n;
	$('select-none').disabled = !n;
}
for (const b of $('orders').querySelectorAll('[data-action]')) b.addEventListener('click', () => operator.order(b.dataset.action, cells.selection()));
$('select-shown').addEventListener('click', () => {
	if (tab === 'nodes') cells.select(cells.shownNames(), true);
});
$('select-none').addEventListener('click', () => cells.select(cells.selection(), false));

operator.onChange(() => {
	cells.allowSelection(operator.isOperator(), drawSelection);
	details.reload();
	machinesAt = 0;
	lastId = undefined;
	stream?.abort();
	if (stream) listen();
});

// --- keys and the rest

document.addEventListener('keydown', event => {
	if (event.key === '/' && !/^(INPUT|TEXTAREA)$/.test(event.target.tagName) && !document.querySelector('dialog[open]')) {
		$('search').focus();
		event.preventDefault();
	} else if (event.key === 'Escape' && !document.querySelector('dialog[open]')) {
		if (event.target === $('search') && $('search').value) $('search').value = '';
		else details.hide();
		look();
	}
});
$('search').addEventListener('input', look);
cells.onPick(details.show);
tables.onPick(details.show);
details.onClose(name => tab === 'nodes' && cells.focusCell(name));
cells.allowSelection(operator.isOperator(), drawSelection);
setInterval(() => {
	for (const node of nodes.values()) if (node.state === 'installing') cells.change(node.name);
	details.change();
	drawCounts(); // for the title: in a tab behind others no frame is drawn
	drawSoon();
}, AGE_MS);
addEventListener('scroll', drawSoon, {passive: true});
addEventListener('resize', drawSoon);
listen();
