import assert from 'node:assert/strict';
import { once } from 'node:events';
import { afterEach, describe, it } from 'node:test';
import { deadLetterCodec, findingCodec, signedBatchCodec } from '@affidavit/model/codec.ts';
import { frameIdOf, writeFrame } from '@affidavit/model/frame.ts';
import type { DeadLetter } from '@affidavit/model/generated/deadletter.ts';
import { currentSchema, frozenSchema, versionsOf } from '@affidavit/model/schema-history.ts';
import { issueLeaf, makeAuthority } from '../../../attest/test/authority.ts';
import { collectingEmit } from '../../src/internal-event.ts';
import { type Frames, repoFrames } from '../../src/schema-registry/frames.ts';
import { openRegistryFrames, type RegistryFramesOptions } from '../../src/schema-registry/registry-frames.ts';
import { topics } from '../../src/topics.ts';
import {
	answer,
	type Interfere,
	type RegistryDouble,
	type RegistryDoubleOptions,
	startRegistryDouble,
} from './registry-double.ts';

const closers: (() => Promise<void>)[] = [];
afterEach(async () => {
	for (const close of closers.splice(0).reverse()) await close();
});
async function started(options: RegistryDoubleOptions = {}): Promise<RegistryDouble> {
	const double = await startRegistryDouble(options);
	closers.push(double.close);
	return double;
}
async function opened(double: RegistryDouble, more: Partial<RegistryFramesOptions> = {}): Promise<Frames> {
	const frames = await openRegistryFrames({ url: double.url, retryDelayMs: 1, ...more });
	closers.push(frames.close);
	return frames;
}
/** The first `times` requests, of those that match. */
const firstTimes = (times: number, handler: Interfere, of = ''): Interfere => {
	let left = times;
	return (request, response, path) => path.includes(of) && left-- > 0 && handler(request, response, path);
};
const failsWith =
	(status: number): Interfere =>
	(_request, response) => {
		answer(response, status, { error_code: status, message: 'not now' });
		return true;
	};
const withBody =
	(status: number, body: unknown): Interfere =>
	(_request, response) => {
		answer(response, status, body);
		return true;
	};

const letter: DeadLetter = {
	stage: 'ingest',
	origin: 'f:1',
	code: 'not-json',
	message: 'm',
	digest: 'd',
	length: 1,
	excerpt: '',
	timeUs: -1,
	subject: 'h',
};
const value = (): Uint8Array => deadLetterCodec.encode(letter);
const framed = (id: number): Uint8Array => {
	const bytes = value();
	writeFrame(bytes, id);
	return bytes;
};

describe('frames over a registry', () => {
	it('register every version of each topic’s schema, oldest first, and again without effect', async () => {
		const double = await started({ firstId: 1000 });
		await opened(double);
		assert.deepEqual([...double.subjects.keys()].sort(), topics.map((topic) => `affidavit.${topic}-value`).sort());
		assert.deepEqual(
			double.subjects.get('affidavit.verdict-value')?.map((id) => JSON.parse(double.schemas.get(id) as string)),
			versionsOf('verdict').map(frozenSchema),
		);
		assert.equal(
			JSON.parse(double.schemas.get(double.subjects.get('affidavit.trace-value')?.[0] as number) as string).name,
			'SignedBatch',
		);
		const before = new Map(double.schemas);
		await opened(double, { topics: ['verdict', 'trace'] });
		assert.deepEqual(double.schemas, before);
	});

	it('swap ids on the way out and back, and leave the rest as it is', async () => {
		const double = await started({ firstId: 70_000 });
		const frames = await opened(double, { topicPrefix: 'p.' });
		const ids = double.subjects.get('p.deadletter-value') as number[];
		const bytes = value();
		const before = Buffer.from(bytes);
		const wire = frames.toWire('deadletter', bytes);
		assert.equal(Buffer.compare(before, bytes), 0, 'the value is not changed');
		assert.equal(frameIdOf(wire), ids.at(-1));
		assert.equal(Buffer.compare(wire.subarray(5), bytes.subarray(5)), 0);
		// What an older program left in an outbox.
		const old = framed(versionsOf('deadletter')[0]?.id as number);
		assert.equal(frameIdOf(frames.toWire('deadletter', old)), ids[0]);
		await frames.prepare('deadletter', [wire]);
		const back = frames.fromWire('deadletter', wire);
		assert.equal(Buffer.compare(back, before), 0);
		assert.ok(
			double.requests.every((r) => r.startsWith('POST')),
			'nothing is fetched that was registered',
		);
	});

	it('tell our ids from the registry’s own where the numbers are the same', async () => {
		// Ids from 1, as ours, but in the topics' order.
		const frames = await opened(await started());
		for (const [topic, bytes] of [
			['deadletter', value()],
			['trace', signedBatchCodec.encode({ payload: Buffer.from('p'), keyId: 'k', signature: Buffer.from('s') })],
		] as const) {
			const wire = frames.toWire(topic, bytes);
			await frames.prepare(topic, [wire]);
			assert.equal(Buffer.compare(frames.fromWire(topic, Buffer.from(wire)), bytes), 0);
		}
	});

	it('learn an id that somebody else registered for the same schema, once', async () => {
		const double = await started({ firstId: 500 });
		const frames = await opened(double, { topics: ['deadletter'] });
		const schema = currentSchema('deadletter') as { doc: string };
		const id = double.add('other-value', JSON.stringify({ ...schema, doc: 'in other words' }));
		const page = [framed(id), framed(id), framed(id)];
		await Promise.all([frames.prepare('deadletter', page), frames.prepare('deadletter', page)]);
		await frames.prepare('deadletter', page);
		assert.equal(double.requests.filter((r) => r === `GET /schemas/ids/${id}`).length, 1);
		assert.deepEqual({ ...deadLetterCodec.decode(frames.fromWire('deadletter', framed(id))) }, letter);
	});

	it('mark what is none of ours, so that the codec refuses it by its name at the registry', async () => {
		const double = await started({ firstId: 1 });
		const { emit, count } = collectingEmit();
		const frames = await opened(double, { topics: ['trace'], emit });
		const schema = currentSchema('deadletter') as { fields: object[] };
		const more = { ...schema, fields: [...schema.fields, { name: 'new', type: 'string' }] };
		const newer = double.add('d', JSON.stringify(more));
		const texts = [
			'"string"',
			JSON.stringify([]),
			JSON.stringify({ type: 'record' }),
			`${'['.repeat(500)}${']'.repeat(500)}`,
		];
		const ids = [newer, ...texts.map((text) => double.add('d', text))];
		for (const id of ids) {
			await frames.prepare('deadletter', [framed(id)]);
			assert.throws(() => deadLetterCodec.decode(frames.fromWire('deadletter', framed(id))), {
				message: `frame: schema ${id} of the registry is none of this program's: expected one of deadletter`,
			});
		}
		assert.equal(count('foreign_schemas_seen'), ids.length);
		const asked = double.requests.length;
		await frames.prepare('deadletter', ids.map(framed));
		assert.equal(double.requests.length, asked, 'not asked for again');
	});

	it('wait a little for an id that a follower of the registry does not have yet', async () => {
		const double = await started({ firstId: 1 });
		const frames = await opened(double, { topics: ['trace'] });
		const id = double.add('d', JSON.stringify(currentSchema('deadletter')));
		double.interfere = firstTimes(1, withBody(404, { error_code: 40403, message: 'Schema not found' }), '/ids/');
		await frames.prepare('deadletter', [framed(id)]);
		assert.deepEqual({ ...deadLetterCodec.decode(frames.fromWire('deadletter', framed(id))) }, letter);
		await frames.prepare('deadletter', [framed(999)]);
		assert.throws(
			() => deadLetterCodec.decode(frames.fromWire('deadletter', framed(999))),
			/schema 999 of the registry/,
		);
	});

	it('leave what has no frame, or an id that no registry gives, to the codec', async () => {
		const frames = await opened(await started(), { topics: ['finding'] });
		const odd = [Buffer.from(''), Buffer.from('{}'), Buffer.from([1, 0, 0, 0, 1, 2]), framed(0), framed(-7)];
		await frames.prepare('finding', odd);
		for (const bytes of odd)
			assert.throws(() => findingCodec.decode(frames.fromWire('finding', bytes)), /^TypeError: frame: /);
		assert.equal(frames.toWire('finding', new Uint8Array(0)).byteLength, 0, 'a tombstone');
		assert.throws(() => frames.toWire('finding', Buffer.from('{}')), { code: 'refused' });
		assert.throws(() => frames.toWire('deadletter', value()), { code: 'refused' }, 'a topic that was not opened');
	});

	it('are the identity where there is no registry', async () => {
		const bytes = value();
		await repoFrames.prepare('deadletter', [bytes]);
		assert.equal(repoFrames.toWire('deadletter', bytes), bytes);
		assert.equal(repoFrames.fromWire('deadletter', bytes), bytes);
	});
});

describe('opening them', () => {
	it('fails when the registry finds a schema incompatible, and says so', async () => {
		const double = await started();
		const schema = currentSchema('host') as { fields: { name: string }[] };
		const fields = schema.fields.map((f) => (f.name === 'host' ? { ...f, type: 'int' } : f));
		double.add('affidavit.host-value', JSON.stringify({ ...schema, fields }));
		await assert.rejects(opened(double), {
			code: 'refused',
			message:
				/^affidavit\.host-value: the registry finds the schema incompatible .*"Schema being registered is incompatible"$/,
		});
	});

	it('without leave to register looks ids up, and names what is missing', async () => {
		const double = await started();
		await assert.rejects(opened(double, { register: false }), {
			code: 'refused',
			message: /^affidavit\.trace-value: the registry does not hold signed-batch version 1/,
		});
		assert.equal(double.schemas.size, 0);
		await opened(double);
		const frames = await opened(double, { register: false });
		assert.equal(
			frameIdOf(frames.toWire('deadletter', value())),
			double.subjects.get('affidavit.deadletter-value')?.at(-1),
		);
	});

	it('passes basic and bearer authorization, and fails at once when it is refused', async () => {
		const basic = await started({ authorization: `Basic ${Buffer.from('svc:pä:ss').toString('base64')}` });
		await opened(basic, { topics: ['trace'], auth: { kind: 'basic', username: 'svc', password: 'pä:ss' } });
		const bearer = await started({ authorization: 'Bearer t0ken' });
		await opened(bearer, { topics: ['trace'], auth: { kind: 'bearer', token: async () => 't0ken' } });
		const asked = bearer.requests.length;
		const wrong = opened(bearer, { topics: ['trace'], auth: { kind: 'basic', username: 'svc', password: 's3cret' } });
		await assert.rejects(wrong, (error: Error & { code: string }) => {
			assert.equal(error.code, 'refused');
			assert.match(error.message, /401: "User cannot access/);
			assert.ok(!error.message.includes('s3cret'));
			return true;
		});
		assert.equal(bearer.requests.length, asked + 1);
	});

	it('outlasts a registry that fails for a while, and counts the tries', async () => {
		for (const status of [500, 502, 503, 408, 429]) {
			const double = await started();
			const { emit, count } = collectingEmit();
			double.interfere = firstTimes(2, failsWith(status));
			await opened(double, { topics: ['trace'], emit });
			assert.equal(count('schema_registry_retries'), 2, String(status));
		}
	});

	it('is unavailable when it fails, hangs, trickles or is not there, in bounded time', async () => {
		const hangs: Interfere = () => true;
		const trickles: Interfere = (request, response) => {
			response.writeHead(200);
			const timer = setInterval(() => response.write(' '), 20);
			request.socket.once('close', () => clearInterval(timer));
			return true;
		};
		const cuts: Interfere = (request) => {
			request.socket.destroy();
			return true;
		};
		for (const interfere of [failsWith(503), hangs, trickles, cuts]) {
			const double = await started();
			double.interfere = interfere;
			const since = Date.now();
			await assert.rejects(opened(double, { requestTimeoutMs: 150, attemptsMax: 2 }), { code: 'unavailable' });
			assert.ok(Date.now() - since < 3000);
			assert.equal(double.requests.length, 2);
		}
		const gone = await startRegistryDouble();
		await gone.close();
		await assert.rejects(opened(gone, { attemptsMax: 2 }), { code: 'unavailable', message: /2 times/ });
	});

	it('is unavailable to a page whose id cannot be asked for, and reads it later', async () => {
		const double = await started({ firstId: 50 });
		const frames = await opened(double, { topics: ['trace'], attemptsMax: 1 });
		const id = double.add('d', JSON.stringify(currentSchema('deadletter')));
		double.interfere = firstTimes(1, failsWith(500));
		await assert.rejects(frames.prepare('deadletter', [framed(id)]), { code: 'unavailable' });
		await frames.prepare('deadletter', [framed(id)]);
		assert.deepEqual({ ...deadLetterCodec.decode(frames.fromWire('deadletter', framed(id))) }, letter);
	});

	it('takes no garbage for an answer', async () => {
		const garbage: [number, unknown][] = [
			[200, 'not json'],
			[200, '[]'],
			[200, { id: '7' }],
			[200, { id: 0 }],
			[200, { id: 2 ** 31 }],
			[200, { id: 1.5 }],
			[200, '{"__proto__":{"id":7}}'],
			[302, ''],
			[404, '<html>'],
			[422, { error_code: 42201, message: `Invalid schema\n${'x'.repeat(10_000)}` }],
		];
		for (const [status, body] of garbage) {
			const double = await started();
			double.interfere = withBody(status, body);
			await assert.rejects(opened(double), (error: Error & { code: string }) => {
				assert.equal(error.code, 'refused', JSON.stringify(body));
				assert.ok(error.message.length < 500 && !error.message.includes('\n'));
				return true;
			});
		}
		const same = await started();
		same.interfere = withBody(200, { id: 7 });
		await assert.rejects(opened(same), { code: 'refused', message: /gave id 7 to .* and to / });
	});

	it('ends no reader over an id that a record names, whatever the registry says of it', async () => {
		const double = await started({ firstId: 60 });
		const frames = await opened(double, { topics: ['deadletter'] });
		const answers: [number, unknown][] = [
			[404, '<html>not here</html>'],
			[400, { error_code: 400, message: 'id out of range' }],
			[422, { error_code: 42200, message: 'no' }],
			[302, ''],
			[200, '[]'],
			[200, { schema: 7 }],
			[200, { schema: '{' }],
		];
		for (const [i, [status, body]] of answers.entries()) {
			double.interfere = withBody(status, body);
			const id = 5000 + i;
			await frames.prepare('deadletter', [framed(id)]);
			assert.throws(() => deadLetterCodec.decode(frames.fromWire('deadletter', framed(id))), `${status}`);
		}
	});

	it('reads no more of a body than a schema can have', async () => {
		const double = await started({ firstId: 60 });
		const frames = await opened(double, { topics: ['trace'] });
		let sent = 0;
		let closed: Promise<unknown> = Promise.resolve();
		const endless: Interfere = (_request, response) => {
			response.writeHead(200);
			const chunk = Buffer.alloc(64 * 1024, 0x20);
			const more = (): void => {
				while (!response.destroyed && response.write(chunk)) sent += chunk.length;
				if (!response.destroyed) response.once('drain', more);
			};
			closed = once(response, 'close');
			more();
			return true;
		};
		double.interfere = endless;
		await frames.prepare('deadletter', [framed(4711)]);
		await closed;
		assert.ok(sent < 32 * 1024 * 1024, `${sent} bytes`);
		assert.throws(
			() => deadLetterCodec.decode(frames.fromWire('deadletter', framed(4711))),
			/schema 4711 of the registry/,
		);
		double.interfere = endless;
		await assert.rejects(opened(double), { code: 'refused', message: /too long a body/ });
	});

	it('refuses a URL that cannot be one, or that holds a password', async () => {
		for (const url of ['', 'registry:8081', 'file:///etc/passwd', 'https://u:p@registry'])
			await assert.rejects(
				openRegistryFrames({ url }),
				(error) => error instanceof RangeError && !error.message.includes('u:p'),
			);
	});

	it('trusts the named authority and no other, for the named server only', async () => {
		const authority = await makeAuthority();
		const server = await issueLeaf(authority, {
			dnsNames: ['registry.example'],
			extendedKeyUsages: ['1.3.6.1.5.5.7.3.1'],
		});
		const key = server.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
		const double = await started({ tls: { cert: server.pem, key } });
		const ca = authority.pem;
		const options = { topics: ['trace'] as const, attemptsMax: 1 };
		await opened(double, { ...options, tls: { ca, serverName: 'registry.example' } });
		const asked = double.requests.length;
		await assert.rejects(opened(double, options), { code: 'unavailable' });
		await assert.rejects(opened(double, { ...options, tls: { ca } }), { code: 'unavailable' });
		assert.equal(double.requests.length, asked);
	});

	it('keeps a path before the API’s', async () => {
		const double = await started();
		double.interfere = withBody(200, { id: 1 });
		await opened({ ...double, url: `${double.url}/a/b?x=1#y` }, { topics: ['trace'] });
		assert.deepEqual(double.requests, ['POST /a/b/subjects/affidavit.trace-value/versions']);
	});
});
