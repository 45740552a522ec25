import assert from 'node:assert/strict';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { Webhook } from 'standardwebhooks';
import { alertMessage } from '../../src/alert/message.ts';
import { createPost, type PostOptions, webhookUrl } from '../../src/alert/post.ts';
import { type Answer, finding, secret, startReceiver, status } from './receiver.ts';

const message = alertMessage(finding());

function poster(url: string, change: Partial<PostOptions> = {}) {
	const { post, close } = createPost({
		url,
		secret,
		allowPrivate: true,
		timeoutMs: 2000,
		connectionsMax: 2,
		now: Date.now,
		...change,
	});
	return { post, [Symbol.asyncDispose]: close };
}

test("a receiver verifies it with Standard Webhooks' own library, and a changed byte fails", async () => {
	await using receiver = await startReceiver();
	await using sink = poster(receiver.url);
	assert.deepEqual(await sink.post(message), { kind: 'delivered', status: 204 });
	const [got] = receiver.received;
	assert.ok(got);
	const webhook = new Webhook(secret);
	const payload = webhook.verify(got.body, got.headers) as Record<string, unknown>;
	assert.equal(payload['type'], 'finding.confirmed');
	assert.equal(payload['rule'], 'compiler-read-differs-from-repo');
	assert.equal(payload['timestamp'], new Date(1_790_000_001_000).toISOString());
	assert.equal(got.headers['webhook-id'], message.id);
	for (let i = 0; i < got.body.length; i += 17) {
		const changed = got.body.slice(0, i) + String.fromCharCode(got.body.charCodeAt(i) ^ 1) + got.body.slice(i + 1);
		assert.throws(() => webhook.verify(changed, got.headers));
	}
	assert.throws(() => webhook.verify(got.body, { ...got.headers, 'webhook-id': `${message.id}0` }));
	const later = String(Number(got.headers['webhook-timestamp']) + 1);
	assert.throws(() => webhook.verify(got.body, { ...got.headers, 'webhook-timestamp': later }));
	assert.throws(() => new Webhook(`${secret.slice(0, -4)}AAA=`).verify(got.body, got.headers));
});

test('what a receiver may answer', async () => {
	await using receiver = await startReceiver();
	await using sink = poster(receiver.url);
	const expected: [Answer, object][] = [
		[status(200), { kind: 'delivered', status: 200 }],
		[status(503), { kind: 'failed', reason: 'status', status: 503, retryAfterMs: null }],
		[status(503, { 'retry-after': '7' }), { kind: 'failed', reason: 'status', status: 503, retryAfterMs: 7000 }],
		[status(400), { kind: 'failed', reason: 'status', status: 400, retryAfterMs: null }],
		[status(410), { kind: 'gone' }],
		[(response) => response.destroy(), { kind: 'failed', reason: 'network', status: -1, retryAfterMs: null }],
		[
			(response) => response.socket?.end('HTTP/1.1 garbage\r\n\r\n'),
			{ kind: 'failed', reason: 'network', status: -1, retryAfterMs: null },
		],
		[
			(response) => response.writeHead(500, { 'x-long': 'x'.repeat(100_000) }).end(),
			{ kind: 'failed', reason: 'network', status: -1, retryAfterMs: null },
		],
	];
	for (const [answer, outcome] of expected) {
		receiver.answer = answer;
		assert.deepEqual(await sink.post(message), outcome);
	}
});

test('no redirect is followed', async () => {
	await using elsewhere = await startReceiver();
	await using receiver = await startReceiver(status(307, { location: elsewhere.url }));
	await using sink = poster(receiver.url);
	const outcome = await sink.post(message);
	assert.deepEqual(outcome, { kind: 'failed', reason: 'redirect', status: 307, retryAfterMs: null });
	assert.equal(elsewhere.received.length, 0);
});

test('a receiver that hangs before, in or after its answer ends at the time limit', async () => {
	await using receiver = await startReceiver(() => {});
	await using sink = poster(receiver.url, { timeoutMs: 300 });
	const started = Date.now();
	assert.deepEqual(await sink.post(message), { kind: 'failed', reason: 'timeout', status: -1, retryAfterMs: null });
	receiver.answer = (response) => response.writeHead(200).flushHeaders();
	assert.equal((await sink.post(message)).kind, 'delivered');
	receiver.answer = (response) => {
		response.writeHead(503).flushHeaders();
		const drip = setInterval(() => response.write('x'), 20);
		response.on('close', () => clearInterval(drip));
	};
	assert.equal((await sink.post(message)).kind, 'failed');
	assert.ok(Date.now() - started < 3000);
	const silent = createServer((socket) => socket.on('error', () => {}));
	await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
	const { port } = silent.address() as import('node:net').AddressInfo;
	await using mute = poster(`http://127.0.0.1:${port}/`, { timeoutMs: 300 });
	assert.equal((await mute.post(message)).kind, 'failed');
	silent.close();
});

test('of an answer of 1 GB no more than the bound is read', async () => {
	let written = 0;
	await using receiver = await startReceiver((response) => {
		response.writeHead(200, { 'content-length': String(1024 ** 3) });
		const chunk = Buffer.alloc(64 * 1024);
		const more = () => {
			while (!response.destroyed && written < 1024 ** 3) {
				written += chunk.length;
				if (!response.write(chunk)) return;
			}
		};
		response.on('drain', more);
		more();
	});
	await using sink = poster(receiver.url);
	assert.equal((await sink.post(message)).kind, 'delivered');
	// What lies in the sockets' buffers counts as written.
	assert.ok(written < 32 * 1024 ** 2, `${written} bytes`);
});

test('private receivers are refused unless the configuration allows them, by address and by name', async () => {
	await using receiver = await startReceiver();
	const { port } = new URL(receiver.url);
	const refused = { kind: 'failed', reason: 'address-refused', status: -1, retryAfterMs: null };
	for (const host of ['127.0.0.1', 'localhost', '2130706433', '[::ffff:127.0.0.1]', '[::1]', '0.0.0.0']) {
		await using sink = poster(`http://${host}:${port}/`, { allowPrivate: false });
		assert.deepEqual(await sink.post(message), refused, host);
	}
	await using listed = poster(`http://127.0.0.1:${port}/`, { allowPrivate: ['127.0.0.0/8'] });
	assert.equal((await listed.post(message)).kind, 'delivered');
	await using other = poster(`http://127.0.0.1:${port}/`, { allowPrivate: ['10.0.0.0/8'] });
	assert.deepEqual(await other.post(message), refused);
	assert.equal(receiver.received.length, 1);
});

test('only http and https, and no credentials in the URL', () => {
	for (const bad of ['ftp://example.com/', 'file:///etc/passwd', 'javascript:1', 'example.com', 'https://u:p@e.com/'])
		assert.throws(() => webhookUrl(bad), TypeError, bad);
	assert.equal(webhookUrl('https://example.com/x').hostname, 'example.com');
});
