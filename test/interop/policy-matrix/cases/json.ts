// JSON as Go's encoding/json reads it into structs: what a rule sees, and which digest an artifact has, can turn on it.
import { productType } from '@affidavit/attest/type-uris.ts';
import { digestOf, environmentType, git, product, subjectsOf } from '../attestors.ts';
import type { MatrixCase } from '../case.ts';
import { scenario } from '../scenario.ts';

const genuine = digestOf('cc');
const commandRunType = 'https://witness.dev/attestations/command-run/v0.1';

/** The rule's body must hold of an attestation of this JSON text, then the collection is denied; `true` where the text cannot be read. */
const seen = (
	name: string,
	peer: MatrixCase['peer'],
	json: string,
	body: string,
	more: Partial<MatrixCase> & { type?: string } = {},
): MatrixCase => {
	const { type = commandRunType, ...fields } = more;
	return scenario(
		name,
		peer,
		() => ({
			steps: [{ types: [type, productType], regoOn: type, rego: [`package p\ndeny["seen"] { ${body} }`] }],
			collections: [
				{
					attestations: [{ type, attestation: 'HERE' }, product({ app: 'app' })],
					payload: (text) => text.replace('"HERE"', () => json),
				},
			],
		}),
		{ ...(peer === 'reject' && body !== 'true' && { says: /policy was denied due to: seen/ }), ...fields },
	);
};

/** A field of the statement's text replaced, before it is signed. */
const text = (
	name: string,
	peer: MatrixCase['peer'],
	from: string | RegExp,
	to: string,
	more: Partial<MatrixCase> = {},
): MatrixCase => scenario(name, peer, () => ({ collections: [{ payload: (t) => t.replace(from, () => to) }] }), more);

const first = 'input.processes[0]';

export const jsonCases: readonly MatrixCase[] = [
	seen('a duplicate field, the last one counts', 'reject', '{"exitcode":1,"exitcode":2}', 'input.exitcode == 2'),
	seen(
		'a duplicate field of null, which changes no number',
		'reject',
		'{"exitcode":1,"exitcode":null}',
		'input.exitcode == 1',
	),
	seen('a duplicate list of null, which empties it', 'reject', '{"cmd":["a"],"cmd":null}', 'input.cmd == null'),
	seen('a duplicate list, shorter', 'reject', '{"cmd":["a","b"],"cmd":["c"]}', 'input.cmd == ["c"]'),
	seen(
		'a duplicate list of structs, whose elements are read into each other',
		'reject',
		`{"processes":[{"program":"/bin/cc"}],"processes":[{"programdigest":{"sha256":"${genuine}"}}]}`,
		`${first}.program == "/bin/cc"; ${first}.programdigest.sha256 == "${genuine}"`,
	),
	seen(
		'a duplicate map of digests, which replaces the first',
		'reject',
		`{"processes":[{"programdigest":{"sha1":"a"},"programdigest":{"sha256":"b"}}]}`,
		`${first}.programdigest == {"sha256": "b"}`,
	),
	seen(
		'a duplicate map of opened files, which adds to the first',
		'reject',
		'{"processes":[{"openedfiles":{"a":{"sha256":"1"}},"openedfiles":{"b":{"sha256":"2"}}}]}',
		`count(${first}.openedfiles) == 2`,
	),
	seen('a field in another case after the exact one', 'reject', '{"exitcode":1,"EXITCODE":2}', 'input.exitcode == 2'),
	seen('a field in another case before the exact one', 'reject', '{"ExitCode":1,"exitcode":2}', 'input.exitcode == 2'),
	seen('a field with the Kelvin sign', 'reject', '{"cmd":["x"],"e\u212Aitcode":3}', 'input.exitcode == 0'),
	seen(
		'a long s in a field name',
		'reject',
		'{"proce\u017F\u017Fe\u017F":[{"program":"/bin/cc"}]}',
		`${first}.program == "/bin/cc"`,
	),
	seen('an escaped field name', 'reject', '{"\\u0065xitcode":5}', 'input.exitcode == 5'),
	seen('an integer as 1.0', 'reject', '{"exitcode":1.0}', 'true'),
	seen('an integer as 1e2', 'reject', '{"exitcode":1e2}', 'true'),
	seen('minus zero', 'reject', '{"exitcode":-0}', 'input.exitcode == 0'),
	seen('the largest integer', 'reject', '{"exitcode":9223372036854775807}', 'input.exitcode == 9223372036854775807'),
	seen('one more than the largest integer', 'reject', '{"exitcode":9223372036854775808}', 'true'),
	seen('an integer as a string', 'reject', '{"exitcode":"1"}', 'true'),
	seen('null in a list of strings', 'reject', '{"cmd":["a",null]}', 'input.cmd == ["a", ""]'),
	seen('null in a list of structs', 'reject', '{"processes":[null]}', `${first}.processid == 0`),
	seen('a lone surrogate', 'reject', '{"cmd":["\\ud800"]}', 'input.cmd[0] == "\\ufffd"'),
	seen('a pair of surrogates', 'reject', '{"cmd":["\\ud83d\\ude00"]}', 'input.cmd[0] == "\u{1F600}"'),
	seen('a NUL in a text', 'reject', '{"cmd":["a\\u0000b"]}', 'contains(input.cmd[0], "\\u0000")'),
	seen('a raw control character in a text', 'reject', '{"cmd":["a\u0001b"]}', 'true'),
	seen('HTML in a text', 'reject', '{"cmd":["<a>&"]}', 'input.cmd[0] == "<a>&"'),
	seen('an empty list of processes, dropped', 'accept', '{"processes":[]}', 'input.processes == []', {
		traps: ['rego-missing-field'],
	}),
	seen(
		'an empty digest map, dropped',
		'accept',
		'{"processes":[{"programdigest":{}}]}',
		`${first}.programdigest == {}`,
		{
			traps: ['rego-missing-field'],
		},
	),
	seen(
		'a digest of null in opened files',
		'reject',
		'{"processes":[{"openedfiles":{"a":null}}]}',
		`${first}.openedfiles.a == {}`,
	),
	seen('a program of no name, dropped', 'accept', '{"processes":[{"program":""}]}', `${first}.program == ""`, {
		traps: ['rego-missing-field'],
	}),
	seen('false, dropped', 'accept', '{"processes":[{"specbypassisvuln":false}]}', `${first}.specbypassisvuln == false`, {
		traps: ['rego-missing-field'],
	}),
	seen('true, kept', 'reject', '{"processes":[{"specbypassisvuln":true}]}', `${first}.specbypassisvuln`),
	seen('a product without a mime type', 'reject', '{"x":{"digest":{"sha256":"1"}}}', 'input.x.mime_type == ""', {
		type: productType,
	}),
	seen('a product that is null', 'reject', '{"x":null}', 'input.x.mime_type == ""', { type: productType }),
	seen(
		'the fields of git that a file lacks',
		'reject',
		'{"commithash":"c"}',
		'input.gittool == ""; input.author == ""; not input.status',
		{
			type: 'https://witness.dev/attestations/git/v0.1',
		},
	),
	seen(
		'the status of git',
		'reject',
		'{"commithash":"c","status":{"a.c":{"worktree":"modified"}}}',
		'input.status["a.c"] == {"worktree": "modified"}',
		{
			type: 'https://witness.dev/attestations/git/v0.1',
		},
	),
	seen('tags of git', 'reject', '{"commithash":"c","tags":[{"name":"v1"}]}', 'input.tags[0].taggername == ""', {
		type: 'https://witness.dev/attestations/git/v0.1',
	}),
	seen(
		'an environment',
		'reject',
		'{"os":"linux","variables":{"CI":"true"}}',
		'input.variables.CI == "true"; input.hostname == ""',
		{
			type: environmentType,
		},
	),
	seen('an environment without variables', 'accept', '{"os":"linux"}', 'input.variables == null', {
		type: environmentType,
		traps: ['rego-missing-field'],
	}),
	text('a duplicate predicate, the last one counts', 'reject', /\}$/, ',"predicate":{"name":"other"}}'),
	text('a duplicate name of the collection', 'accept', '"name":"build"', '"name":"other","name":"build"', {
		traps: ['ambiguous-json'],
	}),
	text('a duplicate list of subjects', 'reject', /\}$/, ',"subject":[]}'),
	text(
		'a duplicate digest in a subject',
		'accept',
		`"digest":{"sha256":"${digestOf('app')}"`,
		`"digest":{"sha256":"0","sha256":"${digestOf('app')}"`,
		{
			traps: ['ambiguous-json'],
		},
	),
	text('a differently-cased statement', 'accept', '"subject"', '"Subject"', { traps: ['ambiguous-json'] }),
	text('a differently-cased type of an attestor', 'accept', '"type"', '"TYPE"', { traps: ['ambiguous-json'] }),
	text('white space and line ends in a statement', 'accept', '{"_type"', '\n\t {"_type"'),
	text('a byte order mark before a statement', 'reject', '{"_type"', '\uFEFF{"_type"'),
	text('data after a statement', 'reject', /$/, '{}'),
	text('a comment in a statement', 'reject', '{"_type"', '{/* x */"_type"'),
	text('a trailing comma in a statement', 'reject', /\}$/, ',}'),
	text('a leading zero in a number', 'reject', '"exitcode":0', '"exitcode":00'),
	text('NaN', 'reject', '"exitcode":0', '"exitcode":NaN'),
	text(
		'a number with a huge exponent in a field that no one reads',
		'accept',
		'"exitcode":0',
		'"exitcode":0,"x":1e999999',
	),
	text(
		'nesting of 9,000 in a field that no one reads',
		'accept',
		'"exitcode":0',
		`"exitcode":0,"x":${'['.repeat(900)}${']'.repeat(900)}`,
	),
	text(
		'nesting of 11,000 in a field that no one reads',
		'reject',
		'"exitcode":0',
		`"exitcode":0,"x":${'['.repeat(11_000)}${']'.repeat(11_000)}`,
	),
	scenario('bytes that are no UTF-8 in a statement', 'accept', () => ({
		collections: [{ payload: (t) => Buffer.from(t.replace('"make"', '"m\u00ffke"'), 'latin1') }],
	})),
	scenario('a commit hash that is null', 'accept', () => ({
		collections: [
			{
				attestations: [git(null as never), { type: commandRunType, attestation: {} }, product({ app: 'app' })],
				subjects: subjectsOf([product({ app: 'app' })]),
			},
		],
	})),
];
