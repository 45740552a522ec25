import assert from 'node:assert/strict';
import { test } from 'node:test';
import { sha256Hex } from '@affidavit/model/digests.ts';
import { attestorType, knownTypes } from '../../src/policy/attestors/registry.ts';
import type { LoadedAttestation } from '../../src/policy/collection.ts';
import { loadStatement, regoInput } from '../../src/policy/collection.ts';
import type { DigestSet } from '../../src/policy/digest-set.ts';

const witness = 'https://witness.dev/attestations/';

function load(type: string, attestation: unknown): LoadedAttestation {
	const text = JSON.stringify({ predicate: { name: 'build', attestations: [{ type, attestation }] } });
	const loaded = loadStatement(Buffer.from(text));
	assert.ok(loaded.kind === 'statement', loaded.kind === 'invalid' ? loaded.reason : '');
	return loaded.statement.collection.attestations[0] as LoadedAttestation;
}

const rego = (type: string, attestation: unknown): unknown =>
	JSON.parse(JSON.stringify(regoInput(load(type, attestation))));

const none = { sha256: sha256Hex('') };

test('an attestor without a field is what go-witness 0.12 writes of it', () => {
	// Asked of the real library, type by type.
	const cases: [string, unknown][] = [
		[`${witness}material/v0.1`, {}],
		[`${witness}product/v0.1`, {}],
		[`${witness}command-run/v0.1`, { cmd: null, exitcode: 0 }],
		[`${witness}environment/v0.1`, { os: '', hostname: '', username: '' }],
		[
			`${witness}git/v0.1`,
			{
				gittool: '',
				commithash: '',
				author: '',
				authoremail: '',
				committername: '',
				committeremail: '',
				commitdate: '',
				commitmessage: '',
			},
		],
		[`${witness}jwt/v0.1`, { claims: {}, verifiedBy: { jwksUrl: '', jwk: null } }],
		[`${witness}lockfiles/v0.1`, { lockfiles: [] }],
		[`${witness}docker/v0.1`, { products: null }],
		[`${witness}secretscan/v0.1`, { findings: null }],
		[`${witness}maven/v0.1`, { groupid: '', artifactid: '', version: '', projectname: '', dependencies: null }],
		[
			`${witness}oci/v0.1`,
			{
				tardigest: {},
				manifest: null,
				imagetags: null,
				diffids: null,
				imageid: {},
				manifestraw: null,
				manifestdigest: {},
			},
		],
		[`${witness}aws-codebuild/v0.1`, { build_info: { build_id: '' } }],
		[
			`${witness}sarif/v0.1`,
			{ report: { version: '', $schema: '', runs: null }, reportFileName: '', reportDigestSet: {} },
		],
		['https://in-toto.io/attestation/link/v0.3', {}],
		['https://slsa.dev/provenance/v1.0', {}],
		['https://cyclonedx.org/bom', {}],
		[
			'https://slsa.dev/verification_summary/v1',
			{
				verifier: { id: '' },
				timeVerified: '0001-01-01T00:00:00Z',
				policy: { uri: '', digest: {} },
				inputAttestations: null,
				verificationResult: '',
			},
		],
	];
	for (const [type, expected] of cases) assert.deepEqual(rego(type, {}), expected, type);
});

test('provenance and links have their proto names, and keep the open parts as they stand', () => {
	assert.deepEqual(
		rego('https://slsa.dev/provenance/v1.0', {
			build_definition: { internal_parameters: { tetragon: { a: [1] } }, buildType: 'x' },
			run_details: { metadata: { started_on: { seconds: 5, nanos: 0 } } },
		}),
		{
			build_definition: { internal_parameters: { tetragon: { a: [1] } } },
			run_details: { metadata: { started_on: { seconds: 5 } } },
		},
	);
	assert.deepEqual(rego('https://in-toto.io/attestation/link/v0.3', { byproducts: { tetragon: [1] }, other: 1 }), {
		byproducts: { tetragon: [1] },
	});
});

test('back references are the commit and the pipeline, never a parent or an author', () => {
	const url = 'https://ci.example/1';
	const cases: [string, unknown, Record<string, DigestSet>][] = [
		[
			`${witness}git/v0.1`,
			{ commithash: 'c', parenthashes: ['p'], authoremail: 'a' },
			{ 'commithash:c': { sha1: 'c' } },
		],
		[
			`${witness}github/v0.1`,
			{ pipelineurl: url, projecturl: 'x' },
			{ [`pipelineurl:${url}`]: { sha256: sha256Hex(url) } },
		],
		[
			`${witness}gitlab/v0.1`,
			{ pipelineurl: url, joburl: 'x' },
			{ [`pipelineurl:${url}`]: { sha256: sha256Hex(url) } },
		],
		[`${witness}jenkins/v0.1`, { pipelineurl: url }, { [`pipelineurl:${url}`]: { sha256: sha256Hex(url) } }],
		[
			`${witness}aws-codebuild/v0.1`,
			{ build_info: { build_id: 'b' } },
			{ 'codebuild-build-id:b': { sha256: sha256Hex('b') } },
		],
		[`${witness}product/v0.1`, { app: { digest: { sha256: 'a' } } }, {}],
		[`${witness}material/v0.1`, { app: { sha256: 'a' } }, {}],
	];
	for (const [type, attestation, expected] of cases) {
		const { about, attestor } = load(type, attestation);
		assert.deepEqual(Object.fromEntries(about.backReferences?.(attestor) ?? []), expected, type);
	}
});

test('subjects are named as Witness names them', () => {
	const cases: [string, unknown, Record<string, DigestSet>][] = [
		[
			`${witness}product/v0.1`,
			{ app: { digest: { sha256: 'a' } }, dir: { mime_type: 'text/directory', digest: { dirHash: 'h1:b' } } },
			{ 'file:app': { sha256: 'a' }, 'dir:dir': { dirHash: 'h1:b' } },
		],
		[
			`${witness}git/v0.1`,
			{ commithash: 'c', parenthashes: ['p'] },
			{
				'commithash:c': { sha1: 'c' },
				'authoremail:': none,
				'committeremail:': none,
				'parenthash:p': { sha256: sha256Hex('p') },
				'refnameshort:': none,
			},
		],
		[
			`${witness}oci/v0.1`,
			{ imageid: { sha256: 'i' }, imagetags: ['t'], diffids: [{ sha256: 'l' }] },
			{
				'manifestdigest:': {},
				'tardigest:': {},
				'imageid:i': { sha256: 'i' },
				'imagetag:t': { sha256: sha256Hex('t') },
				'layerdiffid00:l': { sha256: 'l' },
			},
		],
		[
			`${witness}maven/v0.1`,
			{ groupid: 'g', artifactid: 'a', version: '1' },
			{ 'project:g/a@1': { sha256: sha256Hex('project:g/a@1') } },
		],
		[
			`${witness}lockfiles/v0.1`,
			{ lockfiles: [{ filename: 'f', digest: { sha256: 'd' } }] },
			{ 'file:f': { sha256: 'd' } },
		],
	];
	for (const [type, attestation, expected] of cases) {
		const { about, attestor } = load(type, attestation);
		assert.ok(about.subjects);
		assert.deepEqual(Object.fromEntries(about.subjects(attestor)), expected, type);
	}
});

test('a bill of materials calls itself by its content', () => {
	const sbom = `${witness}sbom/v0.1`;
	assert.equal(load(sbom, { spdxVersion: 'SPDX-2.3' }).ownType, 'https://spdx.dev/Document');
	assert.equal(load(sbom, { bomFormat: 'CycloneDX' }).ownType, 'https://cyclonedx.org/bom');
	assert.equal(load('https://spdx.dev/Document', [1]).ownType, sbom);
});

test('network traces keep whole numbers, addresses and times as Go writes them', () => {
	const trace = (connection: unknown) => ({ network_trace: { connections: [connection] } });
	const { connections } = (
		rego(`${witness}network-trace/v0.1`, trace({ destination: { ip: '::FFFF:1.2.3.4', port: 443 } })) as {
			network_trace: { connections: { destination: unknown; start_time: string }[] };
		}
	).network_trace;
	assert.deepEqual(connections[0]?.destination, { ip: '1.2.3.4', port: 443 });
	assert.equal(connections[0]?.start_time, '0001-01-01T00:00:00Z');
	const text = JSON.stringify({
		predicate: {
			attestations: [
				{ type: `${witness}network-trace/v0.1`, attestation: trace({ destination: { ip: 'fe80::1%eth0' } }) },
			],
		},
	});
	assert.equal(loadStatement(Buffer.from(text)).kind, 'invalid');
});

test('every type is there once, and command-run v0.2 is not', () => {
	assert.equal(new Set(knownTypes).size, knownTypes.length);
	assert.equal(attestorType(`${witness}command-run/v0.2`), undefined);
	assert.equal(attestorType('__proto__'), undefined);
	for (const type of knownTypes) assert.ok(attestorType(type)?.types.includes(type));
});
