// URIs of certificates as Go's net/url writes them: policies compare them as text.

export interface CertificateUri {
	/** Scheme in lower case, no empty fragment. */
	text: string;
	/** Authority without the user; '' when there is none. With its port. */
	host: string;
}

/** What RFC 3986 allows; Go escapes or refuses the rest, we refuse it. */
const allowed = /^(?:[A-Za-z0-9\-._~:/?#[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*$/;
const scheme = /^[A-Za-z][A-Za-z0-9+\-.]*:/;
const port = /^[^:]*(?::[0-9]*)?$/;

/** null for what Go's url.Parse refuses, and for escapes and brackets in the authority. */
export function readUri(text: string): CertificateUri | null {
	if (!allowed.test(text)) return null;
	const named = scheme.exec(text)?.[0] ?? '';
	let rest = text.slice(named.length);
	if (named === '' && (rest.split(/[/?#]/, 1)[0] ?? '').includes(':')) return null;
	if (rest.endsWith('#')) rest = rest.slice(0, -1);
	const whole = named.toLowerCase() + rest;
	if (!rest.startsWith('//')) return { text: whole, host: '' };
	const authority = rest.slice(2).split(/[/?#]/, 1)[0] ?? '';
	const host = authority.slice(authority.lastIndexOf('@') + 1);
	return /[%[\]]/.test(authority) || !port.test(host) ? null : { text: whole, host };
}
