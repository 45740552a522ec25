import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { shippedPatterns } from '../../src/redact/patterns.ts';
import { createRedactor, textLengthMax, tooLong } from '../../src/redact/redactor.ts';
import { streamLines, streamNames } from '../json/streams.ts';

const redact = createRedactor();

const from = (alphabet: string, length: number): fc.Arbitrary<string> =>
	fc.string({ unit: fc.constantFrom(...alphabet), minLength: length, maxLength: length + 10 });
const alphanumeric = 'abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789';
const alphabets = {
	alphanumeric,
	upper: 'ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789',
	hex: '0123456789abcdef',
	word: `${alphanumeric}_-`,
	dotted: `${alphanumeric}_-.`,
	path: `${alphanumeric}_/-`,
};

test('the recorded builds hold no secret, and keep every argument', () => {
	for (const name of streamNames()) {
		const seen = new Set<string>();
		for (const line of streamLines(name)) {
			const at = line.indexOf('"arguments":"');
			if (at < 0) continue;
			const text = line.toString('latin1', at + 13, line.indexOf('", "flags"', at));
			if (seen.has(text)) continue;
			seen.add(text);
			const argument = JSON.parse(`"${text}"`) as string;
			assert.equal(redact(argument), argument);
		}
	}
});

for (const pattern of shippedPatterns) {
	if (pattern.kind !== 'token') continue;
	test(`${pattern.name} (${pattern.prefix}) does not survive, wherever it stands`, () => {
		const body = from(alphabets[pattern.alphabet], pattern.min).map((text) =>
			pattern.holds === undefined ? text : `${text}${pattern.holds}${text}`,
		);
		fc.assert(
			fc.property(fc.string({ maxLength: 40 }), body, fc.string({ maxLength: 40 }), (before, secret, after) => {
				const result = redact(`${before}${pattern.prefix}${secret}${after}`);
				assert.ok(!result.includes(secret), result);
				assert.equal(redact(result), result, 'idempotent');
			}),
			{ numRuns: 60 },
		);
	});
}

const names = [
	'password',
	'API_KEY',
	'api-key',
	'db_passwd',
	'AWS_SECRET_ACCESS_KEY',
	'x-auth-token',
	'ClientSecret',
	'DB_PASS',
];
/** No blanks, no quotes at the ends: a word as a shell passes it. */
const word = fc
	.string({ unit: 'grapheme-ascii', minLength: 12, maxLength: 30 })
	.map((text) => `q${text.replaceAll(/[\s"'\\]/g, '_')}z`);

test('a value that its name makes a secret does not survive', () => {
	const forms: ((name: string, value: string) => string)[] = [
		(name, value) => `--${name} ${value}`,
		(name, value) => `--${name}=${value}`,
		(name, value) => `${name}=${value}`,
		(name, value) => `-c "export ${name}=${value}; make all"`,
		(name, value) => `{"${name}": "${value}"}`,
		(name, value) => `{\\"${name}\\":\\"${value}\\"}`,
		(name, value) => `-H "${name}: ${value}"`,
		(name, value) => `https://host/path?${name}=${value}`,
		(name, value) => `--${name} "${value} ${value}"`,
		(name, value) => `--${name} '${value} ${value}'`,
	];
	fc.assert(
		fc.property(fc.constantFrom(...names), fc.constantFrom(...forms), word, (name, form, value) => {
			const result = redact(`make -j2 ${form(name, value)} install`);
			assert.ok(!result.includes(value), result);
			assert.ok(result.startsWith('make -j2 '));
			assert.equal(redact(result), result, 'idempotent');
		}),
		{ numRuns: 1000 },
	);
});

test('credentials in URLs, headers, keys and short options do not survive', () => {
	const secret = 'hunter2-hunter2-hunter2';
	for (const text of [
		`clone https://bob:${secret}@host/repo.git`,
		`clone https://bob:p@${secret}@host/repo.git`,
		`clone https://${secret}@host/repo.git`,
		`curl -H "Authorization: Bearer ${secret}" https://host`,
		`curl -H "Authorization: Basic ${secret}"`,
		`curl --header Bearer ${secret}`,
		`curl -u bob:${secret} https://host`,
		`curl --user "bob:${secret}" https://host`,
		`login -u bob -p ${secret} registry`,
		`-c "echo '-----BEGIN OPENSSH PRIVATE KEY-----\n${secret}\n-----END OPENSSH PRIVATE KEY-----' > k"`,
		`-----BEGIN EC PRIVATE KEY-----\\n${secret}`,
	]) {
		const result = redact(text);
		assert.ok(!result.includes(secret), result);
		assert.match(result, /\[redacted:[a-z-]+\]/);
		assert.equal(redact(result), result);
	}
});

test('what only looks like a secret is kept', () => {
	for (const text of [
		'run -u 1000:1000 image',
		'push -u origin main',
		'clone https://git@github.com/org/repo',
		'--token-file /run/token --password-stdin',
		'-o token.o token.c /etc/passwd --bypass x',
		'-plugin-opt=-pass-through=-lgcc',
		'mkdir -p build/secrets',
		'https://registry/@types/node',
		'basic usage of it',
		'eyJhbGciOiJIUzI1NiJ9abcdef',
	])
		assert.equal(redact(text), text);
});

test('idempotent on any text made of what the patterns look for', () => {
	const part = fc.constantFrom(
		...[
			'--',
			'-p ',
			'-u ',
			'password',
			'token',
			'secret',
			'bearer ',
			'login ',
			'=',
			':',
			' ',
			'"',
			"'",
			'\\',
			'://',
			'@',
			'a:b',
			'x'.repeat(20),
		],
		...[
			'[redacted:jwt]',
			'[redacted:',
			']',
			'ghp_',
			'eyJ',
			'.',
			'A'.repeat(40),
			'-----BEGIN ',
			'PRIVATE KEY',
			'-----END ',
			'-----',
			'\n',
		],
	);
	fc.assert(
		fc.property(fc.array(part, { maxLength: 14 }), (parts) => {
			const once = redact(parts.join(''));
			assert.equal(redact(once), once);
		}),
		{ numRuns: 20_000 },
	);
});

test('time is linear: a megabyte of almost-secrets takes no longer than a few hundred milliseconds each', () => {
	const almost = [
		'eyJ',
		'password',
		'://',
		'-----BEGIN ',
		'--password ',
		'-u a',
		'-',
		'"',
		'token="',
		' ',
		'login -p ',
		'ghp_',
		'bearer ',
		'://a:',
	];
	for (const piece of almost) {
		const text = piece.repeat(Math.floor(1_000_000 / piece.length));
		const before = process.cpuUsage();
		redact(text);
		const { user, system } = process.cpuUsage(before);
		assert.ok(user + system < 2_000_000, `${piece}: ${(user + system) / 1000} ms`);
	}
	assert.equal(redact('x'.repeat(textLengthMax + 1)), tooLong);
});
