// Fulcio's certificate extensions by the names of Witness's constraints (sigstore/fulcio, pkg/certificate/extensions.go).

import { latin1, readDer } from './der.ts';
import { textOf } from './der-text.ts';

const arc = '1.3.6.1.4.1.57264.1.';

/** Name by last arc. 1 to 6 are deprecated and hold raw text, the others a DER string; 7 is a subject alternative name. */
const names: ReadonlyMap<number, string> = new Map([
	[1, 'Issuer'],
	[2, 'GithubWorkflowTrigger'],
	[3, 'GithubWorkflowSHA'],
	[4, 'GithubWorkflowName'],
	[5, 'GithubWorkflowRepository'],
	[6, 'GithubWorkflowRef'],
	[8, 'Issuer'],
	[9, 'BuildSignerURI'],
	[10, 'BuildSignerDigest'],
	[11, 'RunnerEnvironment'],
	[12, 'SourceRepositoryURI'],
	[13, 'SourceRepositoryDigest'],
	[14, 'SourceRepositoryRef'],
	[15, 'SourceRepositoryIdentifier'],
	[16, 'SourceRepositoryOwnerURI'],
	[17, 'SourceRepositoryOwnerIdentifier'],
	[18, 'BuildConfigURI'],
	[19, 'BuildConfigDigest'],
	[20, 'BuildTrigger'],
	[21, 'RunInvocationURI'],
	[22, 'SourceRepositoryVisibilityAtSigning'],
	[23, 'DeploymentEnvironment'],
	[24, 'Subject'],
]);

/** Every name that a policy's `extensions` may constrain; Witness matches them whatever their case. */
export const fulcioNames: readonly string[] = [...new Set(names.values())];

const rawMax = 6;

export interface FulcioExtensions {
	values: Map<string, string>;
	/** '' when all could be read. */
	reason: string;
}

/** Later extensions win, as in Fulcio: the issuer has two. An unreadable one makes all of them unreadable. */
export function readFulcio(extensions: readonly { id: string; value: Uint8Array }[]): FulcioExtensions {
	const values = new Map<string, string>();
	for (const { id, value } of extensions) {
		if (!id.startsWith(arc)) continue;
		const last = Number(id.slice(arc.length));
		const name = names.get(last);
		if (name === undefined) continue;
		const text = last <= rawMax ? rawText(value) : derText(value);
		if (text === null) return { values: new Map(), reason: `extension ${id} (${name}): expected a DER string` };
		values.set(name, text);
	}
	return { values, reason: '' };
}

function derText(value: Uint8Array): string | null {
	const node = readDer(value);
	return node ? textOf(node) : null;
}

/** Bytes that are no UTF-8 stay apart from all text that a policy can hold. */
const rawText = (value: Uint8Array): string => {
	const text = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8');
	return Buffer.from(text, 'utf8').equals(value) ? text : latin1(value);
};
