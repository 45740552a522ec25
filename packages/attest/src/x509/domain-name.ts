// Domain names and mailboxes as Go's x509 reads them for name constraints.

/** Visible ASCII, no empty label, no dot at the end; a constraint may begin with one. '' is valid. */
export function isDomain(name: string, constraint: boolean): boolean {
	if (name === '') return true;
	const labels = (constraint && name.startsWith('.') ? name.slice(1) : name).split('.');
	return labels.every((label) => /^[!-~]+$/.test(label));
}

export interface Mailbox {
	local: string;
	/** Lower case. */
	domain: string;
}

const atoms = /^[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+(?:\.[A-Za-z0-9!#$%&'*+\-/=?^_`{|}~]+)*$/;
const quoted = /^"((?:[^"\\\r\n]|\\[^\r\n])*)"$/;

/** RFC 2821's mailbox, local part unquoted; null for anything else. */
export function readMailbox(text: string): Mailbox | null {
	const at = text.lastIndexOf('@');
	if (at < 1) return null;
	const local = text.slice(0, at);
	const domain = text.slice(at + 1);
	if (!isDomain(domain, false)) return null;
	const inner = quoted.exec(local)?.[1];
	if (inner !== undefined) return { local: inner.replaceAll(/\\(.)/gs, '$1'), domain: domain.toLowerCase() };
	return atoms.test(local) ? { local, domain: domain.toLowerCase() } : null;
}
