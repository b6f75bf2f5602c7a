// The operator: a token that the page keeps until its tab is closed and sends in a header, never in an address; and the orders it allows.
import {element} from './model.js';

const AT_ONCE = 50; // nodes of one request
const NAMES_MAX = 400; // shown before an order; the others are counted

const dialog = document.getElementById('sign-in');
const input = document.getElementById('token');
const problem = document.getElementById('token-problem');
const confirm = document.getElementById('confirm');
const button = document.getElementById('operator');
const go = document.getElementById('confirm-go');

let token = sessionStorage.getItem('operator-token'), changed = () => {};

export function isOperator() {
	return Boolean(token);
}

export function onChange(f) {
	changed = f;
}

function keep(newToken) {
	token = newToken;
	if (token) sessionStorage.setItem('operator-token', token);
	else sessionStorage.removeItem('operator-token');
	paint();
	changed();
}

function paint() {
	button.textContent = token ? 'Sign out' : 'Operator';
	button.title = token ? 'forget the operator\'s token' : 'arm nodes from here, see logs and inventories';
}

// fetch() with the token. One that the server does not take (any more) is forgotten.
export async function authorized(path, options = {}) {
	const mine = token;
	const headers = {...options.headers, ...mine ? {Authorization: `Bearer ${mine}`} : {}};
	const answer = await fetch(path, {...options, headers, cache: 'no-store', credentials: 'omit', redirect: 'error'});
	if (answer.status === 401 && mine && mine === token) keep(null);
	return answer;
}

export function signIn() {
	if (dialog.open) return;
	input.value = '';
	problem.textContent = '';
	dialog.showModal();
}

dialog.querySelector('form').addEventListener('submit', async event => {
	event.preventDefault();
	const wanted = input.value.trim();
	if (!/^[0-9a-fA-F]{64}$/.test(wanted)) {
		problem.textContent = 'A token has 64 hex digits.';
		return;
	}
	try {
		const answer = await fetch('/v1/operator', {headers: {Authorization: `Bearer ${wanted}`}, cache: 'no-store', credentials: 'omit'});
		if (answer.ok) {
			dialog.close();
			keep(wanted.toLowerCase());
		} else {
			problem.textContent = answer.status === 401 ? 'That is not the operator\'s token.' : (await answer.text()).trim();
		}
	} catch {
		problem.textContent = 'The server does not answer.';
	}
});

button.addEventListener('click', () => token ? keep(null) : signIn());
for (const b of document.querySelectorAll('dialog .cancel')) b.addEventListener('click', () => b.closest('dialog').close());
paint();

// --- orders

const ORDERS = {
	install: {title: n => `Install ${n} at the next boot?`, go: 'Install', many: n => `Install ${n} nodes`,
		words: 'Each is armed for its own installer. When it next boots from the network, its disks are written as its layout says.'},
	repair: {title: n => `Repair ${n} at the next boot?`, go: 'Repair', many: n => `Repair ${n} nodes`, words: 'Each is armed for the installer “repair”, which keeps what is on the disks.'},
	boot: {title: n => `Boot ${n} from disk?`, go: 'Boot from disk', many: n => `Boot ${n} nodes from disk`, words: 'What they were armed for is taken back. An installation that runs goes on.'},
	continue: {title: n => `Let ${n} go on?`, go: 'Continue', many: n => `Let ${n} nodes go on`, words: 'The installation holds, and goes on then.'},
};

async function send(action, names) {
	const refused = [];
	let done = 0;
	for (let i = 0; i < names.length; i += AT_ONCE) {
		const answer = await authorized('/v1/operator/arm', {method: 'POST', body: JSON.stringify({action, nodes: names.slice(i, i + AT_ONCE)})});
		if (!answer.ok) throw new Error((await answer.text()).trim());
		const result = await answer.json();
		done += result.done;
		refused.push(...result.nodes.filter(n => !n.ok));
		document.getElementById('confirm-result').textContent = `${done} of ${names.length}`;
	}
	return refused;
}

// Asks, with the names, and then does it.
export function order(action, names) {
	const what = ORDERS[action], list = document.getElementById('confirm-names'), result = document.getElementById('confirm-result');
	if (!names.length || confirm.open) return;
	document.getElementById('confirm-title').textContent = what.title(names.length === 1 ? names[0] : `${names.length} nodes`);
	document.getElementById('confirm-words').textContent = what.words;
	list.replaceChildren(...names.slice(0, NAMES_MAX).map(n => element('li', {}, n)));
	if (names.length > NAMES_MAX) list.append(element('li', {}, `and ${names.length - NAMES_MAX} more`));
	result.textContent = '';
	go.textContent = names.length === 1 ? what.go : what.many(names.length);
	go.hidden = false;
	go.disabled = false;
	go.onclick = async () => {
		go.disabled = true;
		try {
			const refused = await send(action, names);
			if (!refused.length) {
				confirm.close();
				return;
			}
			go.hidden = true;
			list.replaceChildren(...refused.map(r => element('li', {class: 'wide'}, `${r.node}: ${r.why}`)));
			result.textContent = `${names.length - refused.length} of ${names.length} are ordered; these are not:`;
		} catch (error) {
			result.textContent = error.message || 'The server does not answer.';
			go.disabled = false;
		}
	};
	confirm.showModal();
	confirm.querySelector('.cancel').focus();
}
