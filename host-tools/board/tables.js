// The two views beside the cells: what is on its way to whom, and every installation that there was.
import {inventoryList} from './details.js';
import {authorized} from './operator.js';
import {bytes, duration, element, matches, nodes, percent, resultState, share, when} from './model.js';

const transfers = document.getElementById('transfers');
const history = document.getElementById('history');
const BARS_MAX = 200; // of one transfer: those that have least

let pick = () => {};

export function onPick(f) {
	pick = f;
}

function nodeButton(name) {
	const button = element('button', {type: 'button', class: 'link'}, name);
	button.addEventListener('click', () => pick(name));
	return button;
}

// --- rings and transfers: nodes that move the same bytes at the moment

function groupTransfers(text) {
	const byWhat = new Map();
	for (const node of nodes.values()) {
		if (share(node) === undefined || node.total < 4096 || !matches(node, text)) continue;
		const key = JSON.stringify([node.module, node.message, node.total]);
		if (!byWhat.has(key)) byWhat.set(key, []);
		byWhat.get(key).push(node);
	}
	return [...byWhat.values()].sort((a, b) => b.length - a.length);
}

function title(node) {
	if (node.module === 'dolly') return `Ring: data set ${node.message || ''}`;
	return `${node.module}${node.message ? `: ${node.message}` : ''}`;
}

function transferBar(node) {
	const bar = element('span', {class: 'bar installing', role: 'img', 'aria-label': percent(node)});
	bar.style.setProperty('--done', `${(share(node) * 100).toFixed(1)}%`);
	return element('li', {}, nodeButton(node.name), bar, element('span', {class: 'number'}, percent(node)));
}

function drawTransfer(list) {
	list.sort((a, b) => share(a) - share(b));
	const rate = list.reduce((sum, n) => sum + (n.rate || 0), 0), middle = list[list.length >> 1];
	const summary = `${list.length} ${list.length === 1 ? 'node' : 'nodes'} of ${bytes(list[0].total)}, least ${percent(list[0])}, `
		+ `half of them ${percent(middle)} or more, most ${percent(list[list.length - 1])}${rate ? `, together ${bytes(rate)}/s` : ''}`;
	return element('section', {class: 'transfer'}, element('h2', {}, title(list[0])), element('p', {}, summary),
		element('ol', {class: 'bars'}, ...list.slice(0, BARS_MAX).map(transferBar)),
		list.length > BARS_MAX ? element('p', {class: 'empty'}, `${list.length - BARS_MAX} more have more.`) : undefined);
}

export function drawTransfers(text) {
	const focused = transfers.contains(document.activeElement) ? document.activeElement.textContent : undefined;
	const groups = groupTransfers(text);
	transfers.replaceChildren(...groups.map(drawTransfer));
	if (!groups.length) transfers.append(element('p', {class: 'empty'}, 'No base and no data set is on its way.'));
	if (focused) [...transfers.querySelectorAll('button')].find(b => b.textContent === focused)?.focus();
	return groups.reduce((sum, list) => sum + list.length, 0);
}

// --- history

let installs = [];

function historyRow(i) {
	const modules = (i.modules || []).map(m => `${m.module} ${m.seconds.toFixed(1)} s${m.ok ? '' : ' failed'}`).join(', ');
	return element('tr', {},
		element('td', {}, when(i.begun)), element('td', {}, nodeButton(i.node)), element('td', {}, i.variant || ''),
		element('td', {}, element('span', {class: `badge ${resultState(i.result)}`}, i.result)),
		element('td', {class: 'number'}, i.ended ? duration(i.ended - i.begun) : ''),
		element('td', {class: 'cause'}, [i.module, i.message].filter(Boolean).join(': ')),
		element('td', {class: 'cause'}, modules));
}

export function drawHistory(text) {
	const wanted = installs.filter(i => !text || text.toLowerCase().split(/\s+/).every(w => `${i.node} ${i.variant} ${i.result} ${i.module || ''} ${i.message || ''}`.toLowerCase().includes(w)));
	const heads = ['Begun', 'Node', 'Variant', 'Result', 'Took', 'Cause', 'Modules'].map(h => element('th', {scope: 'col'}, h));
	history.replaceChildren(element('table', {}, element('thead', {}, element('tr', {}, ...heads)), element('tbody', {}, ...wanted.map(historyRow))));
	if (!wanted.length) history.append(element('p', {class: 'empty'}, 'No installation yet.'));
	return wanted.length;
}

// The last two hundred, from the server.
export async function readHistory() {
	const answer = await authorized('/v1/history');
	if (answer.ok) installs = (await answer.json()).installs;
}

// --- machines that nobody has named yet

const machines = document.getElementById('machines');

export async function readMachines() {
	const answer = await authorized('/v1/machines');
	if (!answer.ok) {
		machines.replaceChildren(element('p', {class: 'empty'}, 'Shown with the operator\'s token.'));
		return;
	}
	const list = (await answer.json()).machines;
	machines.replaceChildren(...list.length ? [element('p', {}, 'These machines wait to be named, on the server: ', element('code', {}, 'lucie discover --name NODES')), ...inventoryList(list)]
		: [element('p', {class: 'empty'}, 'No unknown machine waits to be named.')]);
}
