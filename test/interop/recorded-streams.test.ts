// The collections of recorded sessions: true in what they swear to, and judged by the command and by the real Witness library.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, suite, test } from 'node:test';
import type { CommandRun, Material, WitnessCollection } from '@affidavit/attest/generated/witness-collection-v0.1.ts';
import { collectionPredicateType, commandRunType, gitType, materialType } from '@affidavit/attest/type-uris.ts';
import { sha256Hex } from '@affidavit/model/digests.ts';
import { askPeer, openPeerverify } from './peerverify.ts';
import type { ProcessRun, SignedSession } from './process-run.ts';
import { processStream, truthOf } from './process-run.ts';
import { askCommand } from './verify-command.ts';
import type { PolicyStep } from './witness-policy.ts';
import { buildStep, maliciousCompilerRule, writeFetchCollection, writePolicy } from './witness-policy.ts';

interface Said {
	accepted: boolean;
	/** The whole answer as text. */
	words: string;
	traps: readonly string[];
}

/** What the command says; where it is present, the real library was asked too and agreed with witness mode. */
interface Answer {
	strict: Said;
	witness: Said;
}

const folder = mkdtempSync(join(tmpdir(), 'affidavit-recorded-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const runs = new Map<string, ProcessRun>();
/** Each stream is processed once. */
function runOf(stream: string): ProcessRun {
	const known = runs.get(stream);
	if (known) return known;
	const run = processStream(stream, mkdtempSync(join(folder, 'run-')));
	runs.set(stream, run);
	return run;
}

function sessionOf(stream: string, ciRunId: string): SignedSession {
	const session = runOf(stream).sessions.find((s) => s.ciRunId === ciRunId);
	assert.ok(session, `${stream}: expected a session ${ciRunId}`);
	return session;
}

function collectionOf(session: SignedSession): WitnessCollection {
	const statement = session.statements.get(collectionPredicateType);
	assert.ok(statement, 'expected a collection');
	return statement.predicate as WitnessCollection;
}

function attestation<T>(collection: WitnessCollection, type: string): T {
	const found = collection.attestations.find((a) => a.type === type);
	assert.ok(found, `expected ${type}`);
	return found.attestation as T;
}

suite('nothing that a collection swears to is another digest than the true one', () => {
	const clean: [string, string[]][] = [
		['01-go-clean', ['1002']],
		['01b-go-clean-warm', ['1001']],
		['04-c-make', ['4001']],
		['06-two-builds', ['6001', '6002']],
		['02a-go-swap', ['2001']],
	];
	for (const [stream, ids] of clean)
		test(stream, () => {
			const { sources, tools } = truthOf(stream);
			for (const id of ids) {
				const collection = collectionOf(sessionOf(stream, id));
				const material = attestation<Material>(collection, materialType);
				assert.ok(Object.keys(material).length >= 5, `${id}: expected materials`);
				for (const [path, { sha256 }] of Object.entries(material)) {
					const known = sources.get(path);
					if (known) assert.ok(sha256 !== undefined && known.has(sha256), `${id}: material ${path}: ${sha256}`);
				}
				const run = attestation<CommandRun>(collection, commandRunType);
				let checked = 0;
				for (const p of run.processes) {
					const genuine = tools.get(p.program);
					if (genuine === undefined || p.programdigest === undefined) continue;
					checked++;
					assert.equal(p.programdigest.sha256, genuine, `${id}: pid ${p.processid} ${p.program}`);
					assert.equal(p.exedigest?.sha256, genuine, `${id}: pid ${p.processid} ${p.program}`);
				}
				assert.ok(checked >= 5, `${id}: expected programs with digests, found ${checked}`);
			}
		});

	test('the file that was swapped is no material of the tampered session', () => {
		const material = attestation<Material>(collectionOf(sessionOf('02a-go-swap', '2001')), materialType);
		assert.equal(Object.hasOwn(material, 'main.go'), false);
		assert.equal(Object.hasOwn(material, 'go.mod'), true);
	});
});

const peer = openPeerverify();
suite('a policy on recorded sessions: the command, and the real Witness library', () => {
	/**
	 * The products' bytes were not recorded, so the artifact is a file of a step before, tied to the build by the commit
	 * that both collections carry (Witness's back references).
	 */
	const ask = (stream: string, id: string, steps: (key: PolicyStep['keys'][0]) => PolicyStep): Answer => {
		const { key } = runOf(stream);
		const session = sessionOf(stream, id);
		const place = mkdtempSync(join(folder, 'ask-'));
		const artifact = join(place, 'sources.tar');
		writeFileSync(artifact, stream);
		const { commithash } = attestation<{ commithash: string }>(collectionOf(session), gitType);
		const fetch = writeFetchCollection(place, commithash, { path: 'sources.tar', sha256: sha256Hex(stream) });
		const file = session.files.get(collectionPredicateType);
		assert.ok(file);
		const policy = writePolicy(place, 'policy', [fetch.step, steps(key.key)]);
		const files = { ...policy, attestations: [fetch.file, file], artifact };
		const said = (mode: 'strict' | 'witness'): Said => {
			const { exitCode, result } = askCommand(files, mode);
			assert.equal(exitCode, result.accepted ? 0 : 1);
			return { accepted: result.accepted, words: JSON.stringify(result), traps: result.traps };
		};
		const strict = said('strict');
		const witness = said('witness');
		if (peer.kind === 'peer') {
			const { accepted, output } = askPeer(peer.binary, files);
			assert.equal(witness.accepted, accepted, `ours: ${witness.words}\nthe real library: ${output}`);
			const words = 'Malicious Compiler';
			assert.equal(witness.words.includes(words), output.includes(words), output);
		}
		return { strict, witness };
	};
	const trojan = '6757f3e31eaa4d47712fc572353c0684cc648c1cf65e4622e1f122bd6d4a33a4';

	test('accepts a clean session under a policy that requires material, command-run and product', () => {
		assert.equal(sessionOf('01b-go-clean-warm', '1001').verdict, 'passed');
		const answer = ask('01b-go-clean-warm', '1001', (key) => buildStep('build', key, maliciousCompilerRule(trojan)));
		assert.ok(answer.witness.accepted, answer.witness.words);
		assert.ok(answer.strict.accepted, answer.strict.words);
	});

	test('tells of a rule that could not look at every process of a clean session', () => {
		assert.equal(sessionOf('04-c-make', '4001').verdict, 'passed');
		const answer = ask('04-c-make', '4001', (key) => buildStep('build', key, maliciousCompilerRule(trojan)));
		assert.ok(answer.witness.accepted, answer.witness.words);
		// Four processes never executed a program of their own, so they have no digest that the rule could compare.
		assert.equal(answer.strict.accepted, false);
		assert.deepEqual(answer.strict.traps, ['rego-missing-field']);
		assert.match(answer.strict.words, /programdigest is missing \(4 times/);
		assert.ok(ask('04-c-make', '4001', (key) => buildStep('build', key)).strict.accepted);
	});

	test('refuses the tampered session: its step is another one', () => {
		assert.equal(sessionOf('02a-go-swap', '2001').verdict, 'failed');
		assert.equal(collectionOf(sessionOf('02a-go-swap', '2001')).name, 'build.failed');
		const refused = ask('02a-go-swap', '2001', (key) => buildStep('build', key));
		assert.equal(refused.witness.accepted, false);
		assert.equal(refused.strict.accepted, false);
		// The refusal is the name's doing for Witness: a policy that asks for it by that name takes it. Ours looks at the verdict.
		const named = ask('02a-go-swap', '2001', (key) => buildStep('build.failed', key));
		assert.ok(named.witness.accepted, named.witness.words);
		assert.equal(named.strict.accepted, false);
		assert.deepEqual(named.strict.traps, ['verdict-not-passed']);
	});

	test("rejects the trojaned compiler, processed without indicators, by the talk's rule", () => {
		const without = ask('03-go-trojan-compiler', '3001', (key) => buildStep('build', key));
		assert.ok(without.witness.accepted, without.witness.words);
		assert.ok(without.strict.accepted, without.strict.words);
		const answer = ask('03-go-trojan-compiler', '3001', (key) =>
			buildStep('build', key, maliciousCompilerRule(trojan)),
		);
		for (const { accepted, words } of [answer.strict, answer.witness]) {
			assert.equal(accepted, false);
			assert.match(words, /policy was denied due to: Malicious Compiler/);
		}
	});

	test('says so where the real library was not asked', (t) => {
		if (peer.kind === 'absent') t.skip(`the real library was not asked: ${peer.reason}`);
	});
});
