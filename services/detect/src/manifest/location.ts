// What a configured LOCATION means. Pure: nothing is looked up here, and nothing of an event ever gets in.

/** Protocols that git may be given; each run is limited to the one that its location needs. */
export type GitProtocol = 'https' | 'ssh' | 'git' | 'file';
export const gitProtocols: readonly GitProtocol[] = ['https', 'ssh', 'git', 'file'];

export type Location =
	| { kind: 'remote'; protocol: GitProtocol; url: string }
	/** A folder or a bundle; which of them, the file system says. */
	| { kind: 'local'; path: string }
	| { kind: 'refused'; why: string };

const locationCharsMax = 4096;
const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):\/\//;
/** ssh would read such a host as an option. */
const optionHost = /^[^:]+:\/\/(?:[^/@]*@)?-/;
const scpLike = /^(?:[^@/:\s-][^@/:\s]*@)?[^@/:\s-][^@/:\s]*:(?!\/\/)/;

/** Reads a LOCATION as git would, without git's transport helpers (`ext::`, `fd::`, ...). */
export function parseLocation(text: string, allowed: readonly GitProtocol[] = gitProtocols): Location {
	if (text === '' || text.length > locationCharsMax) return refused('is empty or too long');
	if (hasControl(text)) return refused('holds a control character');
	if (text.startsWith('-')) return refused('starts with "-", which git would read as an option');
	if (/^[A-Za-z0-9+.-]+::/.test(text)) return refused('names a transport helper, which could run any command');
	const named = scheme.exec(text)?.[1]?.toLowerCase();
	if (named !== undefined) {
		const protocol = allowed.find((p) => p === named);
		if (protocol === undefined) return refused(`has the protocol "${named}": expected one of ${allowed.join(', ')}`);
		if (protocol === 'file') return fileUrl(text);
		if (optionHost.test(text)) return refused('has a host name that starts with "-"');
		return { kind: 'remote', protocol, url: text };
	}
	if (text.startsWith('/') || text.startsWith('.')) return local(text, allowed);
	if (scpLike.test(text)) {
		if (!allowed.includes('ssh')) return refused(`has the protocol "ssh": expected one of ${allowed.join(', ')}`);
		return { kind: 'remote', protocol: 'ssh', url: text };
	}
	return local(text, allowed);
}

function local(path: string, allowed: readonly GitProtocol[]): Location {
	return allowed.includes('file')
		? { kind: 'local', path }
		: refused(`is a path on this machine: expected one of ${allowed.join(', ')}`);
}

function fileUrl(text: string): Location {
	try {
		const url = new URL(text);
		if (url.hostname !== '' && url.hostname !== 'localhost') return refused('is a file URL with a host name');
		const path = decodeURIComponent(url.pathname);
		return hasControl(path) ? refused('holds a control character') : { kind: 'local', path };
	} catch {
		return refused('is no file URL');
	}
}

function hasControl(text: string): boolean {
	for (let i = 0; i < text.length; i++) {
		const code = text.charCodeAt(i);
		if (code < 0x20 || code === 0x7f) return true;
	}
	return false;
}

const refused = (why: string): Location => ({ kind: 'refused', why });

export type RepositoryOption =
	| { kind: 'repository'; name: string; location: string }
	| { kind: 'invalid'; message: string };

/** `NAME=LOCATION` of `--repo`: split at the first "=", since locations may hold more of them. */
export function parseRepositoryOption(text: string): RepositoryOption {
	const at = text.indexOf('=');
	if (at <= 0 || at === text.length - 1)
		return { kind: 'invalid', message: `--repo ${JSON.stringify(text.slice(0, 200))}: expected NAME=LOCATION` };
	const name = text.slice(0, at);
	const location = text.slice(at + 1);
	const parsed = parseLocation(location);
	if (parsed.kind === 'refused')
		return { kind: 'invalid', message: `--repo ${JSON.stringify(name)}: the location ${parsed.why}` };
	return { kind: 'repository', name, location };
}

/** Text of git for our logs: no credentials of a URL, no control characters, bounded. */
export const withoutCredentials = (text: string): string =>
	text
		.replace(/\/\/[^/@\s]*@/g, '//***@')
		.replace(/[^\x20-\x7e]+/g, ' ')
		.trim()
		.slice(0, 400);
