// What is known of the nodes: filled from the server's stream, asked by the views. Has no document.

// In the order in which they are counted and matter. The sign stands beside the colour, never the colour alone.
export const STATES = {
	failed: {label: 'failed', sign: '×'},
	silent: {label: 'silent', sign: '!'},
	held: {label: 'held', sign: '‖'},
	installing: {label: 'installing', sign: '▸'},
	armed: {label: 'armed', sign: '○'},
	installed: {label: 'installed', sign: '✓'},
	new: {label: 'new', sign: '–'},
	wiped: {label: 'wiped', sign: '∅'},
};

const SILENT_SECONDS = 60;
const STEPS_MAX = 4096; // some modules count bytes and some count steps; so few are never bytes

let clockAhead = 0; // the server's clock before ours, in ms

export const nodes = new Map(); // by name, in the order of the definition
let places = []; // the names in that order

export function takeClock(serverSeconds) {
	clockAhead = serverSeconds * 1000 - Date.now();
}

export function serverNow() {
	return (Date.now() + clockAhead) / 1000;
}

export function replaceAll(list) {
	nodes.clear();
	for (const node of list) nodes.set(node.name, node);
	places = [...nodes.keys()];
}

// Five numbers of each node that has only come further. Returns the names.
export function takeProgress(list) {
	const names = [];
	for (let i = 0; i < list.length; i += 5) {
		const node = nodes.get(places[list[i]]);
		node.done = list[i + 1];
		node.rate = list[i + 2];
		node.eta = list[i + 3];
		node.seen = list[i + 4];
		names.push(node.name);
	}
	return names;
}

export function silence(node) {
	return node.seen ? Math.max(0, serverNow() - node.seen) : 0;
}

// The state of nodes whose sign an installation's result has; what has come to be has many names.
export function resultState(result) {
	return {running: 'installing', superseded: 'new', failed: 'failed'}[result] || 'installed';
}

export function stateOf(node) {
	if (node.state === 'installing' && silence(node) > SILENT_SECONDS) return 'silent';
	return node.state in STATES ? node.state : 'new';
}

// Of the running module; undefined where nobody knows.
export function share(node) {
	if (node.state !== 'installing' || !node.total) return undefined;
	return Math.min(1, (node.done || 0) / node.total);
}

export function percent(node) {
	const s = share(node);
	return s === undefined ? '' : `${Math.floor(s * 100)} %`;
}

export function bytes(n) {
	if (n < 1024) return `${n} B`;
	let unit = -1;
	do n /= 1024, unit++; while (n >= 1024 && unit < 3);
	return `${n < 10 ? n.toFixed(1) : Math.round(n)} ${['KiB', 'MiB', 'GiB', 'TiB'][unit]}`;
}

export function amount(node) {
	if (!node.total) return '';
	const words = node.total >= STEPS_MAX ? bytes : String;
	return `${words(node.done || 0)} of ${words(node.total)}`;
}

export function duration(seconds) {
	seconds = Math.round(seconds);
	if (seconds < 60) return `${seconds} s`;
	if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
	if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ${String(Math.floor(seconds / 60) % 60).padStart(2, '0')} min`;
	return `${Math.floor(seconds / 86400)} d`;
}

// As lucie(1) writes times, whatever the browser's language: 2026-03-01 14:05:00.
export function when(seconds) {
	return seconds ? new Date(seconds * 1000).toLocaleString('sv') : '';
}

export function clock(seconds) {
	return new Date(seconds * 1000).toLocaleTimeString('sv');
}

// What there is to say about a node in a line.
export function words(node) {
	const state = stateOf(node), parts = [];
	if (state === 'armed') return `'${node.armed}' at its next boot`;
	if (state === 'silent') parts.push(`for ${duration(silence(node))}`);
	if (node.module && state === 'held') parts.push(`before ${node.module}`);
	else if (node.module && state !== 'installed') parts.push(node.module);
	if (node.total && node.state === 'installing') parts.push(percent(node));
	if (node.message) parts.push(node.message);
	return parts.join(', ');
}

export function counts() {
	const n = Object.fromEntries(Object.keys(STATES).map(s => [s, 0]));
	for (const node of nodes.values()) n[stateOf(node)]++;
	return n;
}

export function matches(node, text, state) {
	if (state && stateOf(node) !== state) return false;
	if (!text) return true;
	const hay = `${node.name} ${node.group || ''} ${node.module || ''} ${node.message || ''} ${node.armed || ''}`.toLowerCase();
	return text.toLowerCase().split(/\s+/).every(word => hay.includes(word));
}

// A view's element: attributes, properties for what is no string, children as text nodes.
export function element(tag, attributes = {}, ...children) {
	const e = document.createElement(tag);
	for (const [name, value] of Object.entries(attributes)) {
		if (typeof value === 'string') e.setAttribute(name, value);
		else e[name] = value;
	}
	e.append(...children.filter(c => c !== undefined && c !== null));
	return e;
}
