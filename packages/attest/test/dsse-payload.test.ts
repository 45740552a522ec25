import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
	envelopeBytesMax,
	envelopeJson,
	envelopeRestBytesMax,
	intermediatesMax,
	pae,
	parseEnvelope,
	signedBytes,
	timestampsMax,
} from '../src/dsse.ts';

const parse = (value: unknown) => parseEnvelope(Buffer.from(JSON.stringify(value)));
const b64 = (text: string): string => Buffer.from(text).toString('base64');
const payloadOf = (text: string): string | null => {
	const parsed = parseEnvelope(Buffer.from(text));
	return parsed.kind === 'envelope' ? parsed.envelope.payload.toString() : null;
};

test('reads certificate, intermediates and timestamps of a signature', () => {
	const signature = {
		keyid: 'k',
		sig: b64('s'),
		certificate: b64('leaf'),
		intermediates: [b64('one'), b64('two')],
		timestamps: [{ type: 'tsp', data: b64('token') }],
	};
	const parsed = parse({ payloadType: 't', payload: '', signatures: [signature] });
	assert.ok(parsed.kind === 'envelope');
	const [read] = parsed.envelope.signatures;
	assert.equal(read?.certificate?.toString(), 'leaf');
	assert.deepEqual(read?.intermediates?.map(String), ['one', 'two']);
	assert.deepEqual(
		read?.timestamps?.map(({ type, data }) => [type, data.toString()]),
		[['tsp', 'token']],
	);
});

test('refuses what is none of these, and more than there may be', () => {
	const many = (count: number, value: unknown) => Array.from({ length: count }, () => value);
	const stamp = { type: 'tsp', data: '' };
	const cases: [Record<string, unknown>, RegExp][] = [
		[{ certificate: 1 }, /signatures\[0\]\.certificate: expected base64/],
		[{ certificate: '*' }, /signatures\[0\]\.certificate: expected base64/],
		[{ intermediates: {} }, /signatures\[0\]\.intermediates: expected at most 16/],
		[{ intermediates: [1] }, /signatures\[0\]\.intermediates/],
		[{ intermediates: many(intermediatesMax + 1, '') }, /signatures\[0\]\.intermediates/],
		[{ timestamps: 'x' }, /signatures\[0\]\.timestamps: expected at most 8/],
		[{ timestamps: [{ type: 'tsp' }] }, /signatures\[0\]\.timestamps/],
		[{ timestamps: [{ type: 1, data: '' }] }, /signatures\[0\]\.timestamps/],
		[{ timestamps: many(timestampsMax + 1, stamp) }, /signatures\[0\]\.timestamps/],
	];
	for (const [fields, reason] of cases) {
		const parsed = parse({ payloadType: 't', payload: '', signatures: [{ sig: '', ...fields }] });
		assert.match(parsed.kind === 'invalid' ? parsed.reason : '', reason);
	}
});

const rest = '"payloadType":"t","signatures":[{"sig":""}]';

test('finds the payload wherever JSON has it', () => {
	assert.equal(payloadOf(`{"payload":"${b64('a')}",${rest}}`), 'a');
	assert.equal(payloadOf(`{${rest} , "payload" :\n"${b64('a')}" }`), 'a');
	assert.equal(payloadOf(`{"dsseEnvelope":{${rest},"payload":"${b64('a')}"}}`), 'a');
	assert.equal(payloadOf(`{"payload":"${b64('no')}","dsseEnvelope":{${rest},"payload":"${b64('a')}"}}`), 'a');
	assert.equal(payloadOf(`{"x":{"payload":"${b64('no')}"},${rest},"payload":"${b64('a')}"}`), 'a');
	assert.equal(payloadOf(`{"x":"\\"payload\\":","payload":"${b64('a')}",${rest}}`), 'a');
	// As JSON.parse: the last one counts, and escapes spell the same.
	assert.equal(payloadOf(`{"payload":"${b64('no')}",${rest},"payload":"${b64('a')}"}`), 'a');
	assert.equal(payloadOf(`{"payload":"${b64('no')}",${rest},"p\\u0061yload":"${b64('a')}"}`), 'a');
	assert.equal(payloadOf(`{"payload":"${b64('no')}",${rest},"p\\u0061yload":""}`), '');
	assert.equal(payloadOf(`{"payload":"${b64('a>?').replace('/', '\\/')}",${rest}}`), 'a>?');
	assert.equal(payloadOf(`{"payload":"${b64('no')}","payload":null,${rest}}`), null);
	assert.equal(payloadOf(`{"payload":"${b64('no')}","dsseEnvelope":null,${rest}}`), null);
	assert.equal(payloadOf(`{"payload":"${b64('no')}","dsseEnvelope":{${rest}}}`), null);
	assert.equal(payloadOf(`["payload":"${b64('no')}",${rest}]`), null);
	assert.equal(payloadOf(`{"payload":"YQ==\n",${rest}}`), null);
});

/** The same by JSON.parse and a strict decoder of another making. */
function reference(bytes: Buffer): string | null {
	try {
		let value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
		if (value.dsseEnvelope !== undefined) value = value.dsseEnvelope;
		const { payload, payloadType, signatures } = value;
		if (typeof payloadType !== 'string' || signatures[0].sig !== '' || signatures.length !== 1) return null;
		if (!/^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/.test(payload)) return null;
		return typeof payload === 'string' ? atob(payload) : null;
	} catch {
		return null;
	}
}

test('the payload is what JSON.parse finds, in any order, with any names beside it and any byte changed', () => {
	const name = fc.constantFrom('payload', 'p\\u0061yload', 'dsseEnvelope', 'x', '\\\\', '\\"', '__proto__', 'payload ');
	const text = fc.constantFrom('YQ==', 'YWI=', '', 'YQ', 'YQ=', 'Y\\u0051==', '\\/w==', '-w==', '{', '\\"', 'é');
	const value = fc.oneof(
		text.map((t) => `"${t}"`),
		fc.constantFrom('null', '1', '[]', '{}', '["payload","YQ=="]', '{"payload":"YQ=="}', '[{"payload":"YQ=="}]'),
	);
	const member = fc.tuple(name, value).map(([n, v]) => `"${n}":${v}`);
	const members = fc.array(fc.oneof(member, fc.constant(rest)), { maxLength: 5 });
	const object = members.map((list) => `{${[...list, rest].join(' ,')}}`);
	const envelope = fc.oneof(
		object,
		fc.tuple(object, members).map(([inner, list]) => `{${[...list, `"dsseEnvelope": ${inner}`].join(',')}}`),
	);
	const change = fc.option(fc.tuple(fc.nat(300), fc.constantFrom('"', '\\', '{', '}', ':', ',', 'A', '\n', '\u00ff')));
	fc.assert(
		fc.property(envelope, change, (json, changed) => {
			const bytes = Buffer.from(json);
			if (changed) bytes.write(changed[1], changed[0] % bytes.length, 'latin1');
			const parsed = parseEnvelope(bytes);
			const found = parsed.kind === 'envelope' && parsed.envelope.signatures.length === 1 ? parsed.envelope : null;
			const found1 =
				found && found.signatures[0]?.sig.length === 0 ? Buffer.from(found.payload).toString('latin1') : null;
			assert.equal(found1, reference(bytes), json);
		}),
		{ numRuns: 3000 },
	);
});

test('what is signed is not copied, and a changed type or payload is seen', () => {
	const parsed = parseEnvelope(envelopeJson('type', Buffer.from('payload'), { keyid: '', sig: Buffer.alloc(0) }));
	assert.ok(parsed.kind === 'envelope');
	const { envelope } = parsed;
	assert.deepEqual(signedBytes(envelope), pae('type', Buffer.from('payload')));
	assert.equal(signedBytes(envelope).buffer, envelope.payload.buffer);
	assert.deepEqual(signedBytes({ ...envelope, payloadType: 'tYpe' }), pae('tYpe', Buffer.from('payload')));
	const shorter = { ...envelope, payload: envelope.payload.subarray(1) };
	assert.deepEqual(signedBytes(shorter), pae('type', Buffer.from('ayload')));
	envelope.payload[0] = 0x50;
	assert.deepEqual(signedBytes(envelope), pae('type', Buffer.from('Payload')));
});

test('decodes base64 over the seams of its chunks', () => {
	for (const size of [0, 1, 2, 3, 49_150, 49_151, 49_152, 49_153, 98_304, 98_305, 200_000]) {
		const payload = Buffer.from(Array.from({ length: size }, (_, i) => (i * 31) & 0xff));
		const parsed = parseEnvelope(envelopeJson('t', payload, { keyid: '', sig: Buffer.alloc(0) }));
		assert.ok(parsed.kind === 'envelope');
		assert.ok(payload.equals(parsed.envelope.payload));
	}
	const text = Buffer.alloc(200_000, 'A');
	for (const at of [0, 65_535, 65_536, 131_072, 199_999])
		for (const character of ['*', '-', '_', '=', '\\', '"', ' ', '\u0000']) {
			const changed = Buffer.from(text);
			changed.write(character, at, 'latin1');
			const kind = parseEnvelope(Buffer.from(`{"payload":"${changed.toString('latin1')}",${rest}}`)).kind;
			assert.equal(kind, at === 199_999 && character === '=' ? 'envelope' : 'invalid', `${character} at ${at}`);
		}
});

test('a large payload is read, anything else that is large is refused before it becomes values', () => {
	const payload = Buffer.alloc(24 * 1024 * 1024, 'x');
	const large = envelopeJson('t', payload, { keyid: '', sig: Buffer.alloc(0) });
	const start = process.hrtime.bigint();
	assert.equal(parseEnvelope(large).kind, 'envelope');
	const filler = '{},'.repeat(envelopeRestBytesMax / 3);
	for (const text of [`{"x":[${filler}{}],${rest}}`, `{"x":"${'a'.repeat(envelopeRestBytesMax)}",${rest}}`]) {
		const parsed = parseEnvelope(Buffer.from(text));
		assert.match(parsed.kind === 'invalid' ? parsed.reason : '', /at most 8388608 bytes beside an unescaped payload/);
	}
	assert.ok(process.hrtime.bigint() - start < 5_000_000_000n);
	const parsed = parseEnvelope(Buffer.alloc(envelopeBytesMax + 1));
	assert.match(parsed.kind === 'invalid' ? parsed.reason : '', /expected at most 134217728 bytes/);
});
