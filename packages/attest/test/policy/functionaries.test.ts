import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pae } from '../../src/dsse.ts';
import { signBytes } from '../../src/keys.ts';
import type { PolicyMode, PolicyResult } from '../../src/policy/result.ts';
import { commandRunType, inTotoPayloadType } from '../../src/type-uris.ts';
import type { NamedEnvelope } from '../../src/verify-artifact.ts';
import type { CertificateFields, Issued } from '../authority.ts';
import { fulcioExtension, issueLeaf, makeAuthority, makeTimestampAuthority } from '../authority.ts';
import type { TimestampFields } from '../timestamps.ts';
import { makeTimestamp } from '../timestamps.ts';
import {
	base64,
	builder,
	commandRun,
	nowMs,
	policyFile,
	policyJson,
	product,
	statementText,
	step,
	verify,
} from './maker.ts';

const root = await makeAuthority({ name: 'CN=root' });
const other = await makeAuthority({ name: 'CN=other root' });
const below = await makeAuthority({ name: 'CN=below' }, root);
const stamps = await makeTimestampAuthority();
const fields: CertificateFields = {
	name: 'CN=ci, O=Example',
	emails: ['ci@example.dev'],
	uris: ['spiffe://example/ci'],
};
const leaf = await issueLeaf(root, { ...fields, extensions: [fulcioExtension(8, 'https://issuer.example')] });
const expired = await issueLeaf(root, { ...fields, notAfter: new Date('2025-06-01T00:00:00Z') });

interface Signing {
	by?: Issued;
	intermediates?: readonly Issued[];
	/** Time of a timestamp on the signature. */
	stampedAt?: Date;
	stamp?: Partial<TimestampFields>;
}

function envelope({ by = leaf, intermediates = [], stampedAt, stamp = {} }: Signing = {}): NamedEnvelope {
	const payload = Buffer.from(statementText([commandRun(), product()]));
	const sig = signBytes(by.privateKey, pae(inTotoPayloadType, payload));
	const signature = {
		keyid: '',
		sig: sig.toString('base64'),
		certificate: base64(by.pem),
		intermediates: intermediates.map(({ pem }) => base64(pem)),
		timestamps: stampedAt
			? [{ type: 'tsp', data: makeTimestamp(stamps, sig, { at: stampedAt, ...stamp }).toString('base64') }]
			: [],
	};
	const file = { payload: payload.toString('base64'), payloadType: inTotoPayloadType, signatures: [signature] };
	return { name: 'build.json', bytes: Buffer.from(JSON.stringify(file)) };
}

const constraint = {
	commonname: 'ci',
	dnsnames: [],
	emails: ['ci@example.dev'],
	organizations: ['Example'],
	uris: ['spiffe://example/ci'],
	roots: ['r'],
};

interface Asked {
	certConstraint?: Record<string, unknown>;
	functionary?: Record<string, unknown>;
	roots?: Record<string, unknown>;
	stamped?: boolean;
}

const rootOf = (issued: Issued, intermediates: readonly Issued[] = []) => ({
	certificate: base64(issued.pem),
	intermediates: intermediates.map(({ pem }) => base64(pem)),
});

const policy = ({ certConstraint, functionary, roots, stamped = false }: Asked = {}): NamedEnvelope =>
	policyFile(
		policyJson(
			[
				step('build', {
					functionaries: [functionary ?? { type: 'root', certConstraint: { ...constraint, ...certConstraint } }],
					attestations: [{ type: commandRunType }],
				}),
			],
			{
				roots: roots ?? { r: rootOf(root), o: rootOf(other) },
				...(stamped && { timestampauthorities: { t: rootOf(stamps) } }),
			},
		),
	);

const ask = (asked: Asked, signing: Signing = {}, mode: PolicyMode = 'strict'): Promise<PolicyResult> =>
	verify({ policy: policy(asked), attestations: [envelope(signing)] }, mode);

test('a certificate that meets every constraint may sign, and the tree names it', async () => {
	const result = await ask({ certConstraint: { extensions: { issuer: 'https://*.example', Subject: '' } } });
	assert.equal(result.accepted, true, result.reason);
	const node = result.steps[0]?.collections[0]?.functionaries[0];
	assert.equal(node?.kind, 'root');
	assert.equal(node?.expected, 'r');
	assert.equal(node?.keyId, leaf.keyId);
	assert.match(node?.certificate ?? '', /CN=ci/);
	assert.equal(node?.timestamp, '');
});

test('each constraint that is not met refuses, with its words', async () => {
	const cases: [Record<string, unknown>, RegExp][] = [
		[{ commonname: 'other' }, /unexpected common name "ci"/],
		[{ commonname: '' }, /not expecting any common name/],
		[{ dnsnames: ['a.example'] }, /lacks the dns name\(s\) "a\.example"/],
		[{ emails: [] }, /not expecting any email/],
		[{ organizations: ['Example', 'More'] }, /lacks the organization\(s\) "More"/],
		[{ uris: ['spiffe://example/*'] }, /unexpected uri/],
		[{ roots: ['o'] }, /doesn't belong to any root specified by constraint \["o"\]/],
		[{ roots: ['nowhere'] }, /doesn't belong to any root/],
		[{ roots: [] }, /names no roots/],
		[{ extensions: { Issuer: 'https://*.other' } }, /cert field Issuer is "https:\/\/issuer\.example"/],
		[{ extensions: { BuildTrigger: 'push' } }, /cert field BuildTrigger is ""/],
	];
	for (const [certConstraint, words] of cases)
		for (const mode of ['strict', 'witness'] as const) {
			const result = await ask({ certConstraint }, {}, mode);
			assert.equal(result.accepted, false, JSON.stringify(certConstraint));
			const nodes = result.steps[0]?.collections[0]?.functionaries ?? [];
			assert.match(nodes.map(({ reason }) => reason).join(), words);
			assert.match(result.reason, /no verifiers matched with allowed functionaries for step build/);
		}
});

test('stars allow any, and the star of roots any root', async () => {
	const any = { commonname: '*', dnsnames: ['*'], emails: ['*'], organizations: ['*'], uris: ['*'], roots: ['*'] };
	assert.equal((await ask({ certConstraint: any })).accepted, true);
});

test("a certificate's key may be named by its id, under a root of the policy", async () => {
	const functionary = { type: 'publickey', publickeyid: leaf.keyId };
	assert.equal((await ask({ functionary })).accepted, true);
	const elsewhere = await ask({ functionary, roots: { o: rootOf(other) } });
	assert.equal(elsewhere.accepted, false);
	assert.match(elsewhere.reason, /no signature verifies/);
	const wrong = await ask({ functionary: { type: 'publickey', publickeyid: builder.keyId } });
	assert.equal(wrong.accepted, false);
});

test('intermediates may come with the signature or the policy, and are needed', async () => {
	const by = await issueLeaf(below, fields);
	assert.equal((await ask({}, { by })).accepted, false);
	assert.equal((await ask({}, { by, intermediates: [below] })).accepted, true);
	assert.equal((await ask({ roots: { r: rootOf(root, [below]) } }, { by })).accepted, true);
});

test('a certificate is judged at its timestamp, when the policy has an authority for it', async () => {
	const inTime = new Date('2025-05-01T00:00:00Z');
	const late = new Date('2025-07-01T00:00:00Z');
	const cases: [string, Asked, Signing, strict: boolean, witness: boolean][] = [
		['an expired certificate', {}, { by: expired }, false, false],
		['one with a timestamp that the policy does not ask for', {}, { by: expired, stampedAt: inTime }, false, false],
		['one with a timestamp in time', { stamped: true }, { by: expired, stampedAt: inTime }, true, true],
		['one with a timestamp after it expired', { stamped: true }, { by: expired, stampedAt: late }, false, false],
		['a valid one without the timestamp that is asked for', { stamped: true }, {}, false, false],
		['a valid one with an ignored timestamp', {}, { stampedAt: inTime }, false, true],
	];
	for (const [name, asked, signing, strict, witness] of cases) {
		assert.equal((await ask(asked, signing, 'strict')).accepted, strict, name);
		assert.equal((await ask(asked, signing, 'witness')).accepted, witness, name);
	}
	const stamped = await ask({ stamped: true }, { by: expired, stampedAt: inTime });
	assert.equal(stamped.steps[0]?.collections[0]?.functionaries[0]?.timestamp, inTime.toISOString());
	const ignored = await ask({}, { stampedAt: inTime });
	assert.deepEqual(ignored.traps, ['timestamp-ignored']);
});

test('a certificate judged at the time of verification is refused after it expired', async () => {
	const given = { policy: policy(), attestations: [envelope({ by: expired })] };
	assert.equal((await verify({ ...given, at: Date.UTC(2025, 4, 1) })).accepted, true);
	assert.equal((await verify({ ...given, at: nowMs })).accepted, false);
});

test('a timestamp that only the real engine takes is named in strict mode, a wrong one is refused in both', async () => {
	const inTime = new Date('2025-05-01T00:00:00Z');
	const odd: Partial<TimestampFields>[] = [
		{ digest: 'sha1' },
		{ withoutSignedAttributes: true },
		{ criticalExtension: true },
		{ contentType: '1.2.840.113549.1.7.1' },
	];
	for (const stamp of odd) {
		const signing = { by: expired, stampedAt: inTime, stamp };
		const witness = await ask({ stamped: true }, signing, 'witness');
		assert.equal(witness.accepted, true, `${JSON.stringify(stamp)}: ${witness.reason}`);
		const strict = await ask({ stamped: true }, signing, 'strict');
		assert.deepEqual([strict.accepted, strict.traps], [false, ['odd-timestamp']], JSON.stringify(stamp));
	}
	const wrong: Partial<TimestampFields>[] = [
		{ messageDigest: Buffer.alloc(32) },
		{ withoutSignedAttributes: true, tamper: (info) => info.set([9], info.length - 1) },
		{ digest: 'sha1', messageDigest: Buffer.alloc(20) },
	];
	for (const stamp of wrong)
		for (const mode of ['witness', 'strict'] as const) {
			const result = await ask({ stamped: true }, { by: expired, stampedAt: inTime, stamp }, mode);
			assert.deepEqual([result.accepted, result.traps], [false, []], JSON.stringify(stamp));
		}
});
